/** Bytes in a store that no record names. */
import { asFailure } from '../../base/failure.ts';
import { recordedKeys } from '../../locations/location-records.ts';
import type { Store, StoredObject } from '../../stores/store.ts';
import type { Finding, ReconcileParts, ReconcileRun } from './finding.ts';

/** Objects compared in one go. */
const batch = 500;

/** The keys that this service makes begin with the id of the image, so that it never takes for its own what others keep beside it. */
const ownKey = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(\.[\w.-]+)?(@[\w.-]+)?$/;

export async function findOrphans(
  parts: ReconcileParts,
  store: Store,
  before: Date,
  run: ReconcileRun,
): Promise<void> {
  let some: StoredObject[] = [];
  try {
    for await (const object of store.list()) {
      run.signal.throwIfAborted();
      run.progress();
      if (object.storedAt < before) some.push(object);
      if (some.length < batch) continue;
      await tellOrphans(parts, store, some, run);
      some = [];
    }
    await tellOrphans(parts, store, some, run);
  } catch (error) {
    run.signal.throwIfAborted();
    const { message: detail } = asFailure(error, 'store_unavailable', 'It cannot be listed.');
    parts.log.error({ err: error, store: store.id }, 'a store could not be reconciled');
    const place = { store: store.id, key: null, image: null, bytes: null };
    run.tell({ kind: 'unreadable', ...place, repaired: false, detail });
  }
}

async function tellOrphans(
  { database }: ReconcileParts,
  store: Store,
  objects: readonly StoredObject[],
  { repair, tell }: ReconcileRun,
): Promise<void> {
  const keys = objects.map(({ key }) => key);
  const recorded = await recordedKeys(database, store.id, keys);
  for (const { key, size: bytes } of objects) {
    if (recorded.has(key)) continue;
    const image = ownKey.exec(key)?.[1] ?? null;
    const finding: Omit<Finding, 'kind' | 'repaired'> = { store: store.id, key, image, bytes, detail: null };
    if (image === null) tell({ kind: 'foreign', ...finding, repaired: false });
    else {
      if (repair) await store.delete(key);
      tell({ kind: 'orphan', ...finding, repaired: repair });
    }
  }
}
