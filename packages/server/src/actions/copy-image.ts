/** The flow of method copy-image: the data of an active image goes into further stores. */
import { Failure } from '../base/failure.ts';
import type { Flow, Step } from '../flows/flow.ts';
import { openFirst } from '../images/download.ts';
import { finishTask, taskStatus } from '../images/task-records.ts';
import { activeLocations } from '../locations/location-records.ts';
import { endImport } from './end-import.ts';
import { onHeldImage, writeBook } from './import-book.ts';
import type { ActionParts } from './parts.ts';
import { placedBefore } from './steps/activate.ts';
import { type FindSource, type PlaceInput, place } from './steps/place.ts';

export const imageCopy = 'copy-image';

export function copyImage(parts: ActionParts): Flow<PlaceInput> {
  return {
    name: imageCopy,
    steps: ({ stores, allMustSucceed }) => [
      ...stores.map((store) => place<PlaceInput>(parts, ownData(parts, stores), store, !allMustSucceed)),
      finish(parts),
    ],
    failed: (context, { image }, failure) => endImport(parts, context, image, failure),
  };
}

/** The bytes where the image had them before. */
function ownData(parts: ActionParts, targets: readonly string[]): FindSource {
  return async (image) => ({
    size: image.size ?? 0,
    digests: image.os_hash_algo === null ? {} : { [image.os_hash_algo]: image.os_hash_value! },
    async open() {
      const all = await activeLocations(parts.database.db, image.id);
      const locations = all.filter(({ store }) => !targets.includes(store));
      const { chunks, tell } = await openFirst(parts, image.id, locations, null);
      tell();
      if (chunks === null)
        throw new Failure('store_unavailable', `The data of image ${image.id} cannot be read at the moment.`);
      return chunks;
    },
  });
}

function finish(parts: ActionParts): Step<PlaceInput> {
  return {
    name: 'finish',
    decisive: true,
    async do(context, input) {
      if ((await taskStatus(parts.database.db, context.flow)) === 'success') return;
      const { size } = placedBefore(context, input);
      await onHeldImage(parts, context, input.image, async (queries, image, book) => {
        await writeBook(queries, image, { ...book, holder: null, importing: [] });
        const result = { image_id: image.id };
        await finishTask(queries, context.flow, 'success', `Copied ${size} bytes`, result);
      });
    },
  };
}
