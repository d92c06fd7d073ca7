/** What cannot be removed now does not keep the rest: bytes of a store that is away, beside those of one that is there. */
import assert from 'node:assert/strict';
import { mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { filesIn, makeHome, type ServerHome } from '../support/process.ts';
import { knownBytes } from './bytes.ts';
import { call, createImage, upload } from './calls.ts';

/** More than the sweep takes at a time. */
const many = 110;

describe('a store that is taken away', { skip: process.platform !== 'linux' && 'needs /proc' }, () => {
  let home: ServerHome;
  const folder = (id: string) => path.join(home.folder, id);
  const stores = (...ids: string[]) => ({
    stores: ids.map((id) => ({ id, type: 'file', path: folder(id) })),
  });

  before(async () => {
    home = await makeHome();
    await mkdir(folder('away'));
    await home.configure(stores('away', 'here'));
  });
  after(async () => await home.remove());

  test('its images can be deleted, and other bytes go all the same', async () => {
    let server = await home.start();
    const body = knownBytes('small', 1000);
    const ids = await Promise.all(Array.from({ length: many }, () => createImage(server.url)));
    for (const id of ids) assert.equal((await upload(server.url, id, body))?.status, 204);
    assert.equal((await filesIn(folder('away'))).length, many);
    await server.kill();

    await home.configure(stores('here'));
    server = await home.start();
    for (const id of ids) assert.equal((await call(server.url, 'DELETE', `/v2/images/${id}`)).status, 204);
    const id = await createImage(server.url);
    assert.equal((await upload(server.url, id, body))?.status, 204);
    await rename(folder('here'), `${folder('here')}.unmounted`);
    assert.equal((await call(server.url, 'DELETE', `/v2/images/${id}`)).status, 204);
    await rename(`${folder('here')}.unmounted`, folder('here'));
    assert.equal(
      (await filesIn(folder('here'))).length,
      1,
      'it could not be removed while the store was away',
    );
    await server.kill();

    server = await home.start();
    assert.deepEqual(await filesIn(folder('here')), []);
    assert.equal((await filesIn(folder('away'))).length, many);
    await server.kill();

    await home.configure(stores('here', 'away'));
    await home.start();
    assert.deepEqual(await filesIn(folder('away')), [], 'they go when the store is back');
  });
});
