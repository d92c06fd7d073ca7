/** Stores and records that differ, two days old: nothing younger is reconciled, and no store can be told when something was written. */
import { createHash, randomUUID } from 'node:crypto';
import type { Database } from '../../packages/server/src/database/connect.ts';
import { insertLocation } from '../../packages/server/src/locations/location-records.ts';
import type { Store } from '../../packages/server/src/stores/store.ts';
import {
  type Finding,
  type ReconcileParts,
  type ReconcileRun,
  untouchedMs,
} from '../../packages/server/src/upkeep/reconcile/finding.ts';
import { reconcile } from '../../packages/server/src/upkeep/reconcile/reconcile.ts';

const old = new Date(Date.now() - 2 * untouchedMs);

export async function* bytes(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

/** `store` as if all its objects had been there for two days. */
export function aged(store: Store): Store {
  return {
    ...{ id: store.id, type: store.type, weight: 0, description: null },
    put: (key, body) => store.put(key, body),
    get: (key, range) => store.get(key, range),
    stat: (key) => store.stat(key),
    delete: (key) => store.delete(key),
    async *list() {
      for await (const object of store.list()) yield { ...object, storedAt: old };
    },
    close: () => store.close(),
  };
}

export type RunOptions = Partial<Pick<ReconcileRun, 'repair' | 'scrub'>>;

/** What is found. */
export async function reconciled(parts: ReconcileParts, options: RunOptions = {}): Promise<Finding[]> {
  const findings: Finding[] = [];
  await reconcile(parts, {
    ...{ repair: false, scrub: 0, bytesPerSecond: null, ...options },
    signal: new AbortController().signal,
    tell: (finding) => findings.push(finding),
    progress: () => {},
  });
  return findings;
}

/** The record of a copy as if it had been made two days ago. */
export async function backdate(database: Database, key: string): Promise<void> {
  const then = { created_at: old } as never;
  await database.db.updateTable('image_locations').set(then).where('key', '=', key).execute();
}

/** An active image whose data should be `data`, recorded two days ago; what `store` has of it is `content`. */
export async function recorded(
  database: Database,
  store: Store,
  data: Buffer,
  content: Buffer | null = data,
): Promise<{ id: string; key: string }> {
  const id = randomUUID();
  const key = `${id}.0123456789ab`;
  const os_hash_value = createHash('sha512').update(data).digest('hex');
  const facts = { os_hash_algo: 'sha512', os_hash_value, checksum: null, size: data.length };
  const texts = { tags: [], search_terms: [], properties: '{}', min_disk: 0, min_ram: 0 };
  const flags = { protected: false, os_hidden: false, visibility: 'shared', status: 'active' } as const;
  const formats = { disk_format: 'raw', container_format: 'bare' };
  const nothing = { name: null, owner: 'p1', virtual_size: null };
  const times = { created_at: old, updated_at: old };
  await database.db
    .insertInto('images')
    .values({ id, ...facts, ...texts, ...flags, ...formats, ...nothing, ...times })
    .execute();
  if (content !== null) await store.put(key, bytes(content));
  await insertLocation(database.db, { image_id: id, store: store.id, key }, 'active');
  await backdate(database, key);
  return { id, key };
}
