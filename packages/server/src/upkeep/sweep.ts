/** What a killed process left behind: its uploads, doomed bytes, unfinished files, expired tasks. */

import type { ImageParts } from '../images/parts.ts';
import { recoverUploads } from '../images/recover-uploads.ts';
import { removeExpiredTasks } from '../images/task-records.ts';
import { doomedLocations } from '../locations/location-records.ts';
import { removeBytes } from '../locations/remove-bytes.ts';

/** Locations removed in one go. */
const batch = 100;

export interface SweepReport {
  readonly uploadsUndone: number;
  readonly locationsRemoved: number;
  readonly filesRemoved: number;
  readonly tasksExpired: number;
}

export async function sweep(parts: Omit<ImageParts, 'settings'>): Promise<SweepReport> {
  const uploadsUndone = await recoverUploads(parts);
  const locationsRemoved = await removeDoomed(parts);
  let filesRemoved = 0;
  for (const store of parts.stores.all) filesRemoved += (await store.sweep?.()) ?? 0;
  const tasksExpired = await removeExpiredTasks(parts.database, new Date());
  return { uploadsUndone, locationsRemoved, filesRemoved, tasksExpired };
}

async function removeDoomed(parts: Omit<ImageParts, 'settings'>): Promise<number> {
  let removed = 0;
  for (;;) {
    const doomed = await doomedLocations(parts.database, batch);
    const now = await removeBytes(parts, doomed);
    removed += now;
    if (now < batch) return removed;
  }
}
