/** The last step of an import: the image becomes active with what was found out about its data. */
import { Failure } from '../../base/failure.ts';
import type { Step, StepContext } from '../../flows/flow.ts';
import type { Image } from '../../images/image.ts';
import { imageEvent } from '../../images/image-event.ts';
import { updateAndMove } from '../../images/image-records.ts';
import { mebibytes, requireRoom } from '../../images/quota-check.ts';
import { doomStaged } from '../../images/staged-records.ts';
import { statusConflict } from '../../images/status.ts';
import { finishTask, taskStatus } from '../../images/task-records.ts';
import { doomKeys } from '../../locations/location-records.ts';
import { removeBytes } from '../../locations/remove-bytes.ts';
import { stagingStoreId } from '../../stores/registry.ts';
import { onHeldImage, withBook } from '../import-book.ts';
import type { ActionParts } from '../parts.ts';
import { madeKeys, requireDeclared } from './derived.ts';
import { ownStores, type Placed, type PlaceInput, placeStep } from './place.ts';
import { refined, toldOf } from './refined.ts';

/** The record as it becomes together with its data. */
export type Change<Input> = (context: StepContext, input: Input, image: Image) => Image;

export function activate<Input extends PlaceInput>(
  parts: ActionParts,
  change: Change<Input> = (_context, _input, image) => image,
): Step<Input> {
  return {
    name: 'activate',
    decisive: true,
    async do(context, input) {
      if (await wasDone(parts, context)) return;
      const placed = placedBefore(context, input);
      const quotas = await parts.quotas.of(input.owner);
      const doomed = await onHeldImage(parts, context, input.image, async (queries, before, book) => {
        const image = change(context, input, before);
        requireDeclared(image, placed);
        await requireRoom(queries, quotas, image.owner, { image_size_total: mebibytes(placed.size ?? 0) });
        const { disk_format: _disk, container_format: _container, ...facts } = placed;
        const after = { ...refined(context, input, image, placed), ...facts };
        const free = withBook(after, { ...book, holder: null, importing: [] });
        const active = await updateAndMove(queries, free, 'importing', 'active');
        if (active === undefined)
          throw statusConflict(image.id, image.status, 'importing', 'the end of an import');
        const { message, result } = toldOf(context, input, placed);
        await finishTask(queries, context.flow, 'success', message, result, [
          imageEvent('image.activate', active),
        ]);
        const place = { image_id: image.id, store: stagingStoreId };
        return [
          ...(await doomStaged(queries, image.id)),
          ...(await doomKeys(queries, place, madeKeys(context, input))),
        ];
      });
      await removeBytes(parts, doomed);
    },
  };
}

/** By an attempt that died before that was recorded; the first one has none before it. */
async function wasDone({ database }: ActionParts, { flow, attempts }: StepContext): Promise<boolean> {
  return attempts.length > 0 && (await taskStatus(database.db, flow)) === 'success';
}

/** What the first store that has the data found out; fails with why the last one failed when none has it. */
export function placedBefore(context: StepContext, input: PlaceInput): Placed {
  const stores = ownStores(context, input);
  for (const store of stores) {
    const placed = context.resultOf<Placed>(placeStep(store));
    if (placed !== undefined) return placed;
  }
  const failures = stores.map((store) => context.failureOf(placeStep(store)));
  const last = failures.findLast((failure) => failure !== undefined);
  if (last !== undefined) throw new Failure(last.code, last.message);
  throw new Failure('internal', 'No store was to take the data.');
}
