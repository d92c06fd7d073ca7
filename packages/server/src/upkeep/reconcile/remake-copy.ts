/** A copy that is not what it should be is made anew from the others of its image. */
import { randomBytes, randomUUID } from 'node:crypto';
import { recordEvent } from '../../events/event-records.ts';
import { imageEvent } from '../../images/image-event.ts';
import { lockImage, touchImage } from '../../images/image-records.ts';
import {
  activeLocations,
  type CopyRecord,
  type Location,
  setLocations,
  type WantedLocation,
} from '../../locations/location-records.ts';
import { readCopies } from '../../locations/read-copies.ts';
import { removeBytes } from '../../locations/remove-bytes.ts';
import type { Store } from '../../stores/store.ts';
import type { ReconcileParts, ReconcileRun } from './finding.ts';
import { paced } from './paced.ts';

/**
 * Written under a fresh key and held against the digest before it takes the place of the old one. False when there is nothing
 * to make it from, or it cannot be written. What a killed process leaves of it is an orphan like others.
 */
export async function remakeCopy(
  parts: ReconcileParts,
  store: Store,
  copy: CopyRecord,
  run: ReconcileRun,
): Promise<boolean> {
  const { algorithm, digest, size, image_id } = copy;
  if (store.readOnly === true || algorithm === null || digest === null || size === 0) return false;
  const copies = await activeLocations(parts.database.db, image_id);
  const well = copies.filter(({ id, trouble }) => id !== copy.id && trouble === null);
  // One in another format is none of the image's own.
  if (well.length === 0 || !copies.some(({ id }) => id === copy.id)) return false;
  const key = `${image_id}.${randomBytes(6).toString('hex')}`;
  try {
    const range = { first: 0, last: size - 1 };
    const wanted = { copies: well, size, range, digest: { algorithm, value: digest } };
    const chunks = paced(await readCopies(parts, wanted), run.bytesPerSecond);
    await store.put(key, chunks, run.signal, size);
  } catch (err) {
    run.signal.throwIfAborted();
    parts.log.error({ err, image: image_id, store: store.id }, 'a copy could not be made anew');
    return false;
  }
  const replaced = await replaceCopy(parts, copy, key);
  if (replaced === null) await store.delete(key);
  else await removeBytes(parts, replaced);
  return replaced !== null;
}

/** Resolves with what is to be removed now; null: the image, or its copy, is not what it was. */
async function replaceCopy(
  { database }: ReconcileParts,
  copy: CopyRecord,
  key: string,
): Promise<Location[] | null> {
  return await database.transaction(async (queries) => {
    const image = await lockImage(queries, copy.image_id);
    const copies = await activeLocations(queries, copy.image_id);
    const at = copies.findIndex(({ id }) => id === copy.id);
    if (at === -1 || (image?.status !== 'active' && image?.status !== 'deactivated')) return null;
    const { store, metadata } = copy;
    const wanted: readonly WantedLocation[] = copies;
    const anew = { id: randomUUID(), store, key, metadata, isNew: true as const };
    const doomed = await setLocations(queries, image.id, wanted.with(at, anew));
    const after = await touchImage(queries, image.id);
    await recordEvent(queries, imageEvent('image.update', after!));
    return doomed;
  });
}
