/** Delayed deletion: kept while it may be restored, then gone with its bytes. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openImageParts, type TestParts } from '../../../../test/support/image-parts.ts';
import { createCaller } from '../identity/caller.ts';
import { activeLocations, doomedLocations } from '../locations/location-records.ts';
import { removeBytes } from '../locations/remove-bytes.ts';
import { stream } from '../stores/contract/bytes.ts';
import type { Store } from '../stores/store.ts';
import { addLocation } from './add-location.ts';
import { createImage } from './create.ts';
import { deleteImage } from './delete.ts';
import { deleteFromStore } from './delete-from-store.ts';
import { deleteReplica } from './delete-replica.ts';
import type { ImageParts } from './parts.ts';
import { restoreImage } from './restore.ts';
import { scrubImages } from './scrub.ts';
import { showImage } from './show.ts';
import { showUsage } from './show-usage.ts';

const project = { userId: 'u', projectId: 'mine' };
const owner = createCaller({ ...project, roles: ['member'] });
const admin = createCaller({ ...project, roles: ['admin'] });
const url = 'https://one.example/image';
const hour = 3_600_000;
const precondition = () => true;

let opened: TestParts;
let parts: ImageParts;
let pool: Store;

before(async () => {
  opened = await openImageParts();
  const { settings } = opened.parts;
  parts = { ...opened.parts, settings: { ...settings, delayedDelete: true, scrubMs: hour } };
  pool = parts.stores.byId('pool')!;
  opened.web.set(url, Buffer.alloc(100));
});
after(() => opened.close());

async function located(name: string): Promise<string> {
  const { id } = await createImage(parts, owner, { disk_format: 'raw', container_format: 'bare' });
  await pool.put(name, stream(1, 100));
  const input = { id, url: pool.urlOf!(name), validation: undefined, requestId: 'req-test', token: null };
  await addLocation(parts, admin, input);
  await parts.checks.idle();
  return id;
}

/** Resolves with how many; their bytes go as the sweep removes them. */
async function scrub(): Promise<number> {
  let count = 0;
  const tell = () => {
    count += 1;
  };
  await scrubImages(parts.database, { keptMs: hour, tell, signal: new AbortController().signal });
  for (const { id } of parts.stores.all)
    await removeBytes(parts, await doomedLocations(parts.database, id, 100));
  return count;
}

/** As if the deletion were that long ago. */
async function age(id: string, ms: number): Promise<void> {
  const deleted_at = new Date(Date.now() - ms);
  await parts.database.db.updateTable('images').set({ deleted_at }).where('id', '=', id).execute();
}

test('a deleted image is kept as long as it may be restored, and then gone with its bytes', async () => {
  const id = await located('kept');
  await deleteImage(parts, owner, { id, precondition, token: null });
  assert.equal((await showImage(parts, admin, id)).status, 'pending_delete');
  await age(id, hour - 60_000);
  assert.equal(await scrub(), 0);
  assert.deepEqual(await pool.stat('kept'), { size: 100 });
  await age(id, hour + 1000);
  assert.equal(await scrub(), 1);
  await assert.rejects(showImage(parts, admin, id), { code: 'image_not_found' });
  await assert.rejects(pool.stat('kept'), { code: 'not_found' });
  await assert.rejects(createImage(parts, owner, { id }), { code: 'image_exists' });
});

test('a restored image is not scrubbed', async () => {
  const id = await located('restored');
  await deleteImage(parts, owner, { id, precondition, token: null });
  await age(id, 2 * hour);
  await restoreImage(parts, admin, id);
  assert.equal(await scrub(), 0);
  assert.equal((await showImage(parts, owner, id)).status, 'active');
  await deleteImage(parts, owner, { id, precondition, token: null });
  assert.equal(await scrub(), 0, 'the time begins anew');
});

test('of restoring and scrubbing at once one happens, wholly', async () => {
  const id = await located('contested');
  await deleteImage(parts, owner, { id, precondition, token: null });
  await age(id, 2 * hour);
  const [restored, scrubbed] = await Promise.allSettled([
    restoreImage(parts, admin, id),
    Promise.all([scrub(), scrub()]),
  ]);
  assert.equal(scrubbed.status, 'fulfilled');
  const isThere = restored.status === 'fulfilled';
  const seen = await showImage(parts, owner, id).then(
    ({ status }) => status,
    ({ code }) => code,
  );
  assert.equal(seen, isThere ? 'active' : 'image_not_found');
  const stored = await pool.stat('contested').then(
    () => true,
    () => false,
  );
  assert.equal(stored, isThere);
});

test('what is deleted counts for no quota', async () => {
  const before = await showUsage(parts, owner);
  const id = await located('counted');
  await deleteImage(parts, owner, { id, precondition, token: null });
  assert.deepEqual(await showUsage(parts, owner), before);
});

test('a copy is removed from its store, the last one never', async () => {
  const id = await located('copy');
  const input = { id, storeId: 'pool' };
  await assert.rejects(deleteFromStore(parts, admin, input), { code: 'last_location' });
  const further = { image_id: id, store: 'web', key: url, id: crypto.randomUUID() };
  await parts.database.db
    .insertInto('image_locations')
    .values({ ...further, metadata: '{}', position: 1, status: 'active', created_at: new Date() })
    .execute();
  await assert.rejects(deleteFromStore(parts, owner, input), { code: 'forbidden' });
  await assert.rejects(deleteFromStore(parts, admin, { id, storeId: 'local' }), {
    code: 'location_not_found',
  });
  await assert.rejects(deleteFromStore(parts, admin, { id, storeId: 'none' }), { code: 'no_such_store' });
  const { updated_at } = await showImage(parts, owner, id);
  await deleteFromStore(parts, admin, input);
  await assert.rejects(pool.stat('copy'), { code: 'not_found' });
  const image = await showImage(parts, owner, id);
  assert.equal(image.stores, 'web');
  assert.ok(image.updated_at >= updated_at);
  await assert.rejects(deleteFromStore(parts, admin, { id, storeId: 'web' }), { code: 'last_location' });
});

test('an image that was cloned stays, and so does a copy of it that was', async () => {
  const id = await located('cloned');
  const inUse = { code: 'image_in_use' };
  await assert.rejects(deleteImage(parts, owner, { id, precondition, token: null }), inUse);
  await assert.rejects(
    deleteImage(parts, createCaller({ userId: 'v', projectId: 'others', roles: ['member'] }), {
      id,
      precondition,
      token: null,
    }),
    {
      code: 'image_not_found',
    },
  );
  assert.equal((await showImage(parts, owner, id)).status, 'active');
  const input = { id, storeId: 'pool' };
  await assert.rejects(deleteFromStore(parts, admin, input), { code: 'last_location' });
  const further = { image_id: id, store: 'web', key: 'http://there/cloned', id: crypto.randomUUID() };
  await parts.database.db
    .insertInto('image_locations')
    .values({ ...further, metadata: '{}', position: 1, status: 'active', created_at: new Date() })
    .execute();
  await assert.rejects(deleteFromStore(parts, owner, input), { code: 'forbidden' });
  await assert.rejects(deleteFromStore(parts, admin, input), inUse);
  const [inPool] = await activeLocations(parts.database.db, id);
  await assert.rejects(deleteReplica(parts, admin, { id, replicaId: inPool!.id }), inUse);
  await deleteReplica(parts, admin, { id, replicaId: further.id });
  assert.deepEqual(await pool.stat('cloned'), { size: 100 });
});
