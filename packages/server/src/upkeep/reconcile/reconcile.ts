/** Compares every store with the records: bytes without records, records without bytes, and bytes that are others. */
import { currentTime } from '../../database/clock.ts';
import { checkCopies } from './check-copies.ts';
import { findOrphans } from './find-orphans.ts';
import { type ReconcileParts, type ReconcileRun, untouchedMs } from './finding.ts';

/** Goes through all stores; one that cannot be looked at is told, and the others go on. Throws only when aborted, or without a database. */
export async function reconcile(parts: ReconcileParts, run: ReconcileRun): Promise<void> {
  // The earlier of two clocks: one that jumped ahead makes nothing old.
  const now = Math.min(Date.now(), currentTime().getTime());
  const before = new Date(now - untouchedMs);
  for (const store of [...parts.stores.all, parts.stores.staging]) {
    if (store.readOnly !== true) await findOrphans(parts, store, before, run);
    await checkCopies(parts, store, before, run);
  }
}
