/** The last step of an import that brings an image about: only now there is one, with its data. */
import { Failure } from '../../base/failure.ts';
import { currentTime } from '../../database/clock.ts';
import { recordEvent } from '../../events/event-records.ts';
import type { Step } from '../../flows/flow.ts';
import { finishAction, lockAction } from '../../images/action-records.ts';
import { deleteDraft } from '../../images/draft-records.ts';
import type { Image } from '../../images/image.ts';
import { imageEvent } from '../../images/image-event.ts';
import { addImage } from '../../images/image-records.ts';
import { mebibytes, requireRoom } from '../../images/quota-check.ts';
import { doomStaged } from '../../images/staged-records.ts';
import { finishTask, taskStatus } from '../../images/task-records.ts';
import { doomKeys } from '../../locations/location-records.ts';
import { removeBytes } from '../../locations/remove-bytes.ts';
import { stagingStoreId } from '../../stores/registry.ts';
import { onHeldImage, withoutBook } from '../import-book.ts';
import type { ActionParts } from '../parts.ts';
import { placedBefore } from './activate.ts';
import { madeKeys } from './derived.ts';
import type { PlaceInput } from './place.ts';
import { refined, toldOf } from './refined.ts';

export const createName = 'create';

export function create<Input extends PlaceInput>(parts: ActionParts): Step<Input> {
  return {
    name: createName,
    decisive: true,
    async do(context, input) {
      if ((await taskStatus(parts.database.db, context.flow)) === 'success') return;
      const placed = placedBefore(context, input);
      const quotas = await parts.quotas.of(input.owner);
      const doomed = await onHeldImage(parts, context, input.image, async (queries, draft) => {
        const action = await lockAction(queries, context.flow);
        if (action === undefined || action.outcome === 'cancelled')
          throw new Failure('cancelled', 'The work was cancelled.');
        await requireRoom(queries, quotas, draft.owner, {
          image_count_total: 1,
          image_size_total: mebibytes(placed.size ?? 0),
        });
        const now = currentTime();
        const { disk_format: _disk, container_format: _container, ...facts } = placed;
        const shaped = refined(context, input, draft, placed);
        const properties = withoutBook(shaped.properties);
        await deleteDraft(queries, draft.id);
        const times = { created_at: now, updated_at: now };
        const image: Image = { ...shaped, ...facts, properties, status: 'active', ...times };
        await addImage(queries, image);
        await recordEvent(queries, imageEvent('image.create', image));
        await recordEvent(queries, imageEvent('image.activate', image));
        const { message, result } = toldOf(context, input, placed);
        await finishTask(queries, context.flow, 'success', message, result);
        await finishAction(queries, context.flow, 'success', message, { result });
        const place = { image_id: draft.id, store: stagingStoreId };
        return [
          ...(await doomStaged(queries, draft.id)),
          ...(await doomKeys(queries, place, madeKeys(context, input))),
        ];
      });
      await removeBytes(parts, doomed);
    },
  };
}
