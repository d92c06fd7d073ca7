/** The last step of an import: the image becomes active with what was found out about its data. */
import { Failure } from '../../base/failure.ts';
import type { Step, StepContext } from '../../flows/flow.ts';
import type { Image } from '../../images/image.ts';
import { moveStatus } from '../../images/image-records.ts';
import { mebibytes, requireRoom } from '../../images/quota-check.ts';
import { doomStaged } from '../../images/staged-records.ts';
import { statusConflict } from '../../images/status.ts';
import { finishTask, taskStatus } from '../../images/task-records.ts';
import { removeBytes } from '../../locations/remove-bytes.ts';
import { onHeldImage, writeBook } from '../import-book.ts';
import type { ActionParts } from '../parts.ts';
import { type Placed, type PlaceInput, placeStep } from './place.ts';

export function activate<Input extends PlaceInput>(parts: ActionParts): Step<Input> {
  return {
    name: 'activate',
    decisive: true,
    async do(context, input) {
      if ((await taskStatus(parts.database.db, context.flow)) === 'success') return;
      const placed = placedBefore(context, input);
      const quotas = await parts.quotas.of(input.owner);
      const doomed = await onHeldImage(parts, context, input.image, async (queries, image, book) => {
        requireSameFormats(image, placed);
        await requireRoom(queries, quotas, image.owner, { image_size_total: mebibytes(placed.size ?? 0) });
        await writeBook(queries, image, { ...book, holder: null, importing: [] });
        const { disk_format: _disk, container_format: _container, ...facts } = placed;
        if (!(await moveStatus(queries, image.id, 'importing', 'active', facts)))
          throw statusConflict(image.id, image.status, 'importing', 'the end of an import');
        await finishTask(queries, context.flow, 'success', `Imported ${placed.size} bytes`, {
          image_id: image.id,
        });
        return await doomStaged(queries, image.id);
      });
      await removeBytes(parts, doomed);
    },
  };
}

/** What the first store that has the data found out; fails with why the last one failed when none has it. */
export function placedBefore(context: StepContext, { stores }: PlaceInput): Placed {
  for (const store of stores) {
    const placed = context.resultOf<Placed>(placeStep(store));
    if (placed !== undefined) return placed;
  }
  const failures = stores.map((store) => context.failureOf(placeStep(store)));
  const last = failures.findLast((failure) => failure !== undefined);
  if (last !== undefined) throw new Failure(last.code, last.message);
  throw new Failure('internal', 'No store was to take the data.');
}

/** The data was inspected as one format: it must not become active as another. */
function requireSameFormats(image: Image, placed: Placed): void {
  if (image.disk_format === placed.disk_format && image.container_format === placed.container_format) return;
  throw new Failure(
    'format_mismatch',
    'disk_format or container_format was changed while the data was imported: import it again.',
  );
}
