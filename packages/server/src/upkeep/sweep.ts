/** What a killed process left behind, and what is due: uploads, locations to read, bytes. */

import type { ImageParts } from '../images/parts.ts';
import { recoverUploads } from '../images/recover-uploads.ts';
import { doomedLocations } from '../locations/location-records.ts';
import { removeBytes } from '../locations/remove-bytes.ts';
import type { Store } from '../stores/store.ts';

/** Locations removed in one go. */
const batch = 100;

export interface SweepReport {
  readonly uploadsUndone: number;
  readonly checksTakenUp: number;
  readonly locationsRemoved: number;
  readonly filesRemoved: number;
}

/** Each store for itself: what one of them keeps us from removing must not stay in the others. */
export async function sweep(parts: ImageParts): Promise<SweepReport> {
  const uploadsUndone = await recoverUploads(parts);
  const checksTakenUp = await parts.checks.recover();
  parts.checks.wake();
  let locationsRemoved = 0;
  let filesRemoved = 0;
  for (const store of [...parts.stores.all, parts.stores.staging]) {
    locationsRemoved += await removeDoomed(parts, store);
    filesRemoved += await removeUnfinished(parts, store);
  }
  return { uploadsUndone, checksTakenUp, locationsRemoved, filesRemoved };
}

async function removeDoomed(parts: ImageParts, store: Store): Promise<number> {
  let removed = 0;
  for (;;) {
    const doomed = await doomedLocations(parts.database, store.id, batch);
    const now = await removeBytes(parts, doomed);
    removed += now;
    if (now < batch) return removed;
  }
}

async function removeUnfinished({ log }: Pick<ImageParts, 'log'>, store: Store): Promise<number> {
  try {
    return (await store.sweep?.()) ?? 0;
  } catch (err) {
    log.error({ err, store: store.id }, 'a store could not be swept');
    return 0;
  }
}
