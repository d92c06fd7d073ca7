/** The flow of method copy-image: the data of an active image goes into further stores. */
import { Failure } from '../base/failure.ts';
import type { Flow } from '../flows/flow.ts';
import { readImage } from '../images/read-image.ts';
import { tellTrouble, WrongBytes } from '../locations/copy-trouble.ts';
import { activeLocations, type Location } from '../locations/location-records.ts';
import { nearestFirst } from '../locations/reading-order.ts';
import { endImport } from './end-import.ts';
import type { ActionParts } from './parts.ts';
import { finishCopy } from './steps/finish-copy.ts';
import { type FindSource, type PlaceInput, place } from './steps/place.ts';

export const imageCopy = 'copy-image';

export function copyImage(parts: ActionParts): Flow<PlaceInput> {
  return {
    name: imageCopy,
    steps: ({ stores, allMustSucceed }) => [
      ...stores.map((store) => place<PlaceInput>(parts, ownData(parts, stores), store, !allMustSucceed)),
      finishCopy(parts),
    ],
    failed: (context, { image }, failure) => endImport(parts, context, image, failure),
  };
}

/** The bytes where the image had them before: a file that the kernel can copy, else what is read of the copies. */
function ownData(parts: ActionParts, targets: readonly string[]): FindSource {
  return async (image) => {
    const failed = new Set<string>();
    const copies = async () => {
      const all = await activeLocations(parts.database.db, image.id);
      const others = all.filter(({ store }) => !targets.includes(store));
      const nearest = nearestFirst(parts.stores, others, [], image.size!);
      return nearest.toSorted((one, other) => Number(failed.has(one.id)) - Number(failed.has(other.id)));
    };
    return {
      size: image.size ?? 0,
      digests: image.os_hash_algo === null ? {} : { [image.os_hash_algo]: image.os_hash_value! },
      open: async () => await readImage(parts, image, await copies(), null),
      async file() {
        const copy = await findSoundFile(parts, await copies(), image.size!);
        if (copy === null) return null;
        const { path, location } = copy;
        return {
          path,
          failed(error) {
            failed.add(location.id);
            if (error instanceof Failure && error.code === 'digest_mismatch')
              tellTrouble(parts, location, image.size!, new WrongBytes(error.message));
          },
        };
      },
    };
  };
}

/** The first copy without trouble that is a file. */
async function findSoundFile(
  { stores }: ActionParts,
  copies: readonly Location[],
  size: number,
): Promise<{ path: string; location: Location } | null> {
  for (const location of copies) {
    const store = stores.byId(location.store);
    if (store?.fileOf === undefined || location.trouble !== null) continue;
    const found = await store.stat(location.key).catch(() => null);
    const path = found?.size === size ? await store.fileOf(location.key).catch(() => null) : null;
    if (path !== null) return { path, location };
  }
  return null;
}
