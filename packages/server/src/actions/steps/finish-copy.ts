/** The last step of a copy: the image is let go of, and what was made on the way goes. */
import { recordEvent } from '../../events/event-records.ts';
import type { Step } from '../../flows/flow.ts';
import { imageEvent } from '../../images/image-event.ts';
import { finishTask, taskStatus } from '../../images/task-records.ts';
import { doomKeys } from '../../locations/location-records.ts';
import { removeBytes } from '../../locations/remove-bytes.ts';
import { stagingStoreId } from '../../stores/registry.ts';
import { onHeldImage, writeBook } from '../import-book.ts';
import type { ActionParts } from '../parts.ts';
import { placedBefore } from './activate.ts';
import { madeKeys } from './derived.ts';
import type { PlaceInput } from './place.ts';
import { toldOf } from './refined.ts';

export function finishCopy(parts: ActionParts): Step<PlaceInput> {
  return {
    name: 'finish',
    decisive: true,
    async do(context, input) {
      if ((await taskStatus(parts.database.db, context.flow)) === 'success') return;
      const placed = placedBefore(context, input);
      const doomed = await onHeldImage(parts, context, input.image, async (queries, image, book) => {
        const after = await writeBook(queries, image, { ...book, holder: null, importing: [] });
        await recordEvent(queries, imageEvent('image.update', after));
        const { message, result } = toldOf(context, input, placed, 'Copied');
        await finishTask(queries, context.flow, 'success', message, result);
        return await doomKeys(
          queries,
          { image_id: image.id, store: stagingStoreId },
          madeKeys(context, input),
        );
      });
      await removeBytes(parts, doomed);
    },
  };
}
