/** Imports into several stores, and copies of active images into further ones (API section 4). */
import assert from 'node:assert/strict';
import { chmod, rename, writeFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { filesIn, until } from '../support/process.ts';
import { needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes } from './bytes.ts';
import { Client } from './client.ts';
import { importBy, importEnd, stagedImage } from './import-client.ts';

let target: Target;
let client: Client;
let admin: Client;
const body = bytes(400_000);

before(async () => {
  if (needsOwnServer !== false) return;
  const stores = ['one', 'two', 'three'].map((id) => ({ id, type: 'file' as const }));
  target = await openTarget({ stores });
  client = new Client(target, 'member');
  admin = new Client(target, 'admin');
});
after(() => target?.close());

const folder = (store: string) => `${target.server!.config.dataDir}/images/${store}`;

/** Which stores have the image's bytes. */
async function storesOf(id: string): Promise<string[]> {
  const has = async (store: string) => (await filesIn(folder(store))).some((name) => name.startsWith(id));
  const found: string[] = [];
  for (const store of ['one', 'two', 'three']) if (await has(store)) found.push(store);
  return found;
}

/** The store is away while `work` runs. */
async function withoutStore(store: string, work: () => Promise<void>): Promise<void> {
  await rename(folder(store), `${folder(store)}.away`);
  try {
    await work();
  } finally {
    await rename(`${folder(store)}.away`, folder(store));
  }
}

describe('an import', { skip: needsOwnServer }, () => {
  test('goes to the default store, to those named, to the one of the header, or to all', async () => {
    const cases: [object, Record<string, string>, string[]][] = [
      [{}, {}, ['one']],
      [{ stores: ['two', 'three', 'two'] }, {}, ['two', 'three']],
      [{}, { 'X-Image-Meta-Store': 'three' }, ['three']],
      [{ all_stores: true }, {}, ['one', 'two', 'three']],
      [{ all_stores: true, all_stores_must_succeed: false }, {}, ['one', 'two', 'three']],
    ];
    for (const [more, headers, expected] of cases) {
      const id = await stagedImage(client, body);
      const request = { method: { name: 'glance-direct' }, ...more };
      assert.equal((await client.post(`/v2/images/${id}/import`, request, headers)).status, 202);
      const { image, task } = await importEnd(client, id);
      assert.equal(image.status, 'active');
      assert.equal(image.os_glance_importing_to_stores, '');
      assert.deepEqual(task.input.backend, expected);
      assert.deepEqual(await storesOf(id), expected);
    }
  });

  test('of which one store fails leaves nothing when all must succeed', async () => {
    const id = await stagedImage(client, body);
    await withoutStore('two', async () => {
      await importBy(client, id, 'glance-direct', { stores: ['one', 'two'] });
      const { image, task } = await importEnd(client, id);
      assert.equal(image.status, 'queued');
      assert.equal(image.os_glance_failed_import, 'two');
      assert.equal(image.os_glance_importing_to_stores, '');
      assert.equal(task.result.error.code, 'store_unavailable');
      assert.deepEqual(
        await filesIn(folder('one')).then((all) => all.filter((name) => name.startsWith(id))),
        [],
      );
    });
  });

  test('of which one store fails is active in the others when not all must succeed', async () => {
    const id = await stagedImage(client, body);
    await withoutStore('two', async () => {
      const more = { stores: ['one', 'two', 'three'], all_stores_must_succeed: false };
      await importBy(client, id, 'glance-direct', more);
      const { image, task } = await importEnd(client, id);
      assert.equal(image.status, 'active');
      assert.equal(image.os_glance_failed_import, 'two');
      assert.equal(task.status, 'success');
    });
    assert.deepEqual(await storesOf(id), ['one', 'three']);
    assert.ok((await client.download(id)).body.equals(body));
  });

  test('of which every store fails fails, with the reason', async () => {
    const id = await stagedImage(client, body);
    await withoutStore('two', async () => {
      const more = { stores: ['two'], all_stores_must_succeed: false };
      await importBy(client, id, 'glance-direct', more);
      const { image, task } = await importEnd(client, id);
      assert.equal(image.status, 'queued');
      assert.equal(task.result.error.code, 'store_unavailable');
    });
  });

  test('takes no header beside a list of stores, nor beside all of them', async () => {
    const id = await stagedImage(client, body);
    const header = { 'X-Image-Meta-Store': 'one' };
    for (const more of [{ stores: ['two'] }, { all_stores: true }])
      refused(
        await client.post(`/v2/images/${id}/import`, { method: { name: 'glance-direct' }, ...more }, header),
        'bad_request',
      );
    refused(
      await client.post(
        `/v2/images/${id}/import`,
        { method: { name: 'glance-direct' } },
        { 'X-Image-Meta-Store': 'none' },
      ),
      'no_such_store',
    );
  });
});

describe('a copy', { skip: needsOwnServer }, () => {
  test('brings the data of an active image into further stores', async () => {
    const { id } = await client.createActive(body);
    assert.equal((await importBy(admin, id, 'copy-image', { stores: ['two'] })).status, 202);
    const { image, task } = await importEnd(admin, id);
    assert.deepEqual([image.status, image.os_glance_importing_to_stores], ['active', '']);
    assert.equal(task.status, 'success');
    assert.deepEqual(await storesOf(id), ['one', 'two']);
    await withoutStore('one', async () =>
      assert.ok((await client.download(id)).body.equals(body), 'the copy serves'),
    );
  });

  test('to all stores leaves out those that have it, and has nothing to do at the end', async () => {
    const { id } = await client.createActive(body);
    assert.equal((await importBy(admin, id, 'copy-image', { all_stores: true })).status, 202);
    const { task } = await importEnd(admin, id);
    assert.deepEqual(task.input.backend, ['two', 'three']);
    assert.deepEqual(await storesOf(id), ['one', 'two', 'three']);
    const tasks = (await admin.tasks(id)).length;
    assert.equal((await importBy(admin, id, 'copy-image', { all_stores: true })).status, 202);
    assert.equal((await admin.tasks(id)).length, tasks);
  });

  test('that fails leaves the image as it was', async () => {
    const { id } = await client.createActive(body);
    await withoutStore('three', async () => {
      await importBy(admin, id, 'copy-image', { stores: ['two', 'three'] });
      const { image, task } = await importEnd(admin, id);
      assert.deepEqual([image.status, image.size], ['active', body.length]);
      assert.equal(image.os_glance_failed_import, 'three');
      assert.equal(task.status, 'failure');
    });
    assert.deepEqual(await storesOf(id), ['one']);
    assert.ok((await client.download(id)).body.equals(body));
    assert.equal((await importBy(admin, id, 'copy-image', { stores: ['two'] })).status, 202);
    assert.equal((await importEnd(admin, id)).image.os_glance_failed_import, '');
  });

  test('finds out when the bytes are not what they were', async () => {
    const { id } = await client.createActive(body);
    const [name] = (await filesIn(folder('one'))).filter((file) => file.startsWith(id));
    await chmod(`${folder('one')}/${name}`, 0o600);
    await writeFile(`${folder('one')}/${name}`, bytes(body.length, 7));
    await importBy(admin, id, 'copy-image', { stores: ['two'] });
    const { task } = await importEnd(admin, id);
    assert.equal(task.result.error.code, 'digest_mismatch');
    assert.deepEqual(await storesOf(id), ['one']);
  });

  test('is refused of what is not active, is there already, or is not the business of the caller', async () => {
    const { id } = await client.createActive(body);
    refused(await importBy(client, id, 'copy-image', { stores: ['two'] }), 'forbidden');
    refused(await importBy(admin, id, 'copy-image', { stores: ['two', 'one'] }), 'store_has_image');
    refused(await importBy(admin, id, 'copy-image'), 'store_has_image');
    refused(await importBy(admin, id, 'copy-image', { stores: ['four'] }), 'no_such_store');
    const staged = await stagedImage(client, body);
    refused(await importBy(admin, staged, 'copy-image', { stores: ['two'] }), 'status_conflict', /active/);
  });

  test('is refused while another is under way', async () => {
    const { id } = await client.createActive(bytes(30_000_000));
    const answers = await Promise.all(
      ['two', 'three'].map((store) => importBy(admin, id, 'copy-image', { stores: [store] })),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [202, 409]);
    const late = answers.find(({ status }) => status === 409)!;
    refused(late, 'image_busy', /^Image has active task/);
    await importEnd(admin, id);
    await until('its end', async () => (await admin.show(id)).json.os_glance_import_task === undefined);
  });
});
