/** Imports whose server, or database, or both are killed: they go on by themselves, and nothing is left over. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import {
  filesIn,
  makeHome,
  type ServerHome,
  type ServerProcess,
  signalTo,
  until,
} from '../support/process.ts';
import { as } from '../support/server.ts';
import { knownBytes } from './bytes.ts';
import { call, compareData, createImage, statusOf } from './calls.ts';

const size = 24 * 1024 * 1024;
const body = knownBytes('imports', size);

describe('an import', { skip: process.platform !== 'linux' && 'needs /proc' }, () => {
  let home: ServerHome;
  let server: ServerProcess;
  const folder = (store: string) => path.join(home.folder, store);

  before(async () => {
    home = await makeHome();
    const stores = ['one', 'two'].map((id) => ({ id, type: 'file', path: folder(id) }));
    await home.configure({ stores });
    server = await home.start();
  });
  after(async () => await home?.remove());

  /** Resolves when its bytes are on their way into a store. */
  async function importUnderWay(): Promise<string> {
    const id = await createImage(server.url);
    const headers = { ...as('faults', 'member'), 'Content-Type': 'application/octet-stream' };
    const staged = await fetch(`${server.url}/v2/images/${id}/stage`, { method: 'PUT', headers, body });
    assert.equal(staged.status, 204);
    const order = { method: { name: 'glance-direct' }, all_stores: true };
    assert.equal((await call(server.url, 'POST', `/v2/images/${id}/import`, order)).status, 202);
    await until('bytes in a store', async () => (await filesIn(folder('one'))).length > 0);
    return id;
  }

  async function assertWhole(id: string): Promise<void> {
    // None while the server is finding its database again.
    const isOver = (status: string | undefined) => status !== undefined && status !== 'importing';
    await until('an end', async () => isOver(await statusOf(server.url, id)), 60_000);
    assert.equal(await statusOf(server.url, id), 'active');
    assert.equal(await compareData(server.url, id, body), size);
    for (const store of ['one', 'two'])
      await until(
        `one object in store ${store}`,
        async () => {
          const files = await filesIn(folder(store));
          return files.length === 1 && files[0]!.startsWith(id);
        },
        40_000,
      );
    await until('an empty staging area', async () => {
      return (await filesIn(path.join(home.dataDir, 'staging'))).length === 0;
    });
    assert.equal((await call(server.url, 'DELETE', `/v2/images/${id}`)).status, 204);
  }

  test('goes on when its server was killed and is there again', async () => {
    const id = await importUnderWay();
    await server.kill();
    server = await home.start();
    await assertWhole(id);
  });

  test('goes on when its server is killed twice in a row', async () => {
    const id = await importUnderWay();
    await server.kill();
    server = await home.start();
    await server.kill();
    server = await home.start();
    await assertWhole(id);
  });

  test('goes on when PostgreSQL was killed under it', async () => {
    const id = await importUnderWay();
    assert.ok(signalTo((await home.postmaster()) ?? Number.NaN, 'SIGKILL'));
    await until('the server ready again', async () => {
      return (await fetch(`${server.url}/readyz`).catch(() => null))?.status === 200;
    });
    await assertWhole(id);
  });

  test('goes on when both were killed at once', async () => {
    const id = await importUnderWay();
    signalTo((await home.postmaster()) ?? Number.NaN, 'SIGKILL');
    await server.kill();
    server = await home.start();
    await assertWhole(id);
  });

  test('goes on when its server was told to stop', async () => {
    const id = await importUnderWay();
    server.signal('SIGTERM');
    assert.deepEqual(await server.exited, { code: 0, signal: null });
    server = await home.start();
    await assertWhole(id);
  });
});
