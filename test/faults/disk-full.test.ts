/** A store without room: told, undone, and usable again at once. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { filesIn, makeHome, type ServerHome, type ServerProcess, until } from '../support/process.ts';
import { as } from '../support/server.ts';
import { knownBytes } from './bytes.ts';
import { call, compareData, createImage, listImages, statusOf, tasksOf, Upload, upload } from './calls.ts';

const mebibyte = 1024 * 1024;
const run = promisify(execFile);

async function cannotMount(): Promise<string | false> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux to mount a tmpfs';
  try {
    await run('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']);
    return false;
  } catch {
    return 'this machine does not let us mount a tmpfs';
  }
}

describe('a store without room', { skip: await cannotMount() }, () => {
  let home: ServerHome;
  let server: ServerProcess;
  let folder: string;

  before(async () => {
    home = await makeHome();
    folder = path.join(home.folder, 'small');
    await mkdir(folder);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder]);
    await home.configure({ stores: [{ id: 'small', type: 'file', path: folder }] });
    server = await home.start();
  });
  after(async () => {
    await home.endAll();
    await run('umount', [folder]).catch(() => {});
    await home.remove();
  });

  for (const chunked of [false, true]) {
    test(`413 and nothing left, ${chunked ? 'chunked' : 'with Content-Length'}`, async () => {
      const id = await createImage(server.url);
      const sending = new Upload(server.url, id, knownBytes('too large', 64 * mebibyte), { chunked });
      const answer = await sending.answer;
      assert.equal(answer?.status, 413);
      assert.equal(answer.json.error.reason, 'store_full');
      assert.match(answer.json.error.message, /Store small has no room/);

      assert.equal(await statusOf(server.url, id), 'queued');
      const [task] = await tasksOf(server.url, id);
      assert.equal(task?.status, 'failure');
      assert.equal(task.result?.error.code, 'store_full');
      assert.deepEqual(await filesIn(folder), []);
    });
  }

  test('the room is free again: what fits goes in, to the same image too', async () => {
    const id = await createImage(server.url);
    assert.equal((await upload(server.url, id, knownBytes('too large', 40 * mebibyte)))?.status, 413);
    const fits = knownBytes('fits', 20 * mebibyte);
    assert.equal((await upload(server.url, id, fits))?.status, 204);
    assert.equal(await compareData(server.url, id, fits), fits.length);

    const second = await createImage(server.url);
    const refused = await upload(server.url, second, knownBytes('second', 8 * mebibyte));
    assert.equal(refused?.json.error.reason, 'store_full');
    assert.equal((await filesIn(folder)).length, 1);
    assert.equal(await compareData(server.url, id, fits), fits.length);
  });

  test('of several uploads at once those that fit succeed, the others are told', async () => {
    for (const id of await listImages(server.url))
      assert.equal((await call(server.url, 'DELETE', `/v2/images/${id}`)).status, 204);
    assert.deepEqual(await filesIn(folder), []);
    const body = knownBytes('several', 10 * mebibyte);
    const ids = await Promise.all([1, 2, 3, 4].map(() => createImage(server.url)));
    const answers = await Promise.all(ids.map((id) => upload(server.url, id, body)));
    const stored = ids.filter((_, index) => answers[index]?.status === 204);
    assert.ok(stored.length <= 2);
    for (const [index, answer] of answers.entries()) {
      if (answer?.status === 204) continue;
      assert.equal(answer?.json.error.reason, 'store_full');
      assert.equal(await statusOf(server.url, ids[index]!), 'queued');
    }
    assert.equal((await filesIn(folder)).length, stored.length);
    for (const id of stored) assert.equal(await compareData(server.url, id, body), body.length);
  });

  describe('an import into it', () => {
    const body = knownBytes('imported', 16 * mebibyte);
    const send = async (target: string) => {
      const headers = { ...as('faults', 'member'), 'Content-Type': 'application/octet-stream' };
      const answer = await fetch(server.url + target, { method: 'PUT', headers, body });
      assert.equal(answer.status, 204);
    };
    const stagedFiles = () => filesIn(path.join(home.dataDir, 'staging'));
    const makeRoom = async () => {
      for (const id of await listImages(server.url)) await call(server.url, 'DELETE', `/v2/images/${id}`);
      await until('an empty store', async () => (await filesIn(folder)).length === 0);
    };

    test('is told, leaves nothing, and can be made again when there is room', async () => {
      await makeRoom();
      const first = await createImage(server.url);
      assert.equal((await upload(server.url, first, body))?.status, 204);
      const id = await createImage(server.url);
      const order = { method: { name: 'glance-direct' } };
      const importIt = async () => {
        await send(`/v2/images/${id}/stage`);
        assert.equal((await call(server.url, 'POST', `/v2/images/${id}/import`, order)).status, 202);
        await until('its end', async () => (await statusOf(server.url, id)) !== 'importing');
      };
      await importIt();
      assert.equal(await statusOf(server.url, id), 'queued');
      const [task] = await tasksOf(server.url, id);
      assert.deepEqual([task?.status, task?.result?.error.code], ['failure', 'store_full']);
      await until('only the image before', async () => (await filesIn(folder)).length === 1);
      await until('an empty staging area', async () => (await stagedFiles()).length === 0);
      await call(server.url, 'DELETE', `/v2/images/${first}`);
      await until('an empty store', async () => (await filesIn(folder)).length === 0);
      await importIt();
      assert.equal(await compareData(server.url, id, body), body.length);
    });

    test('that brings its image about keeps what it has until there is room', async () => {
      const begun = await call(server.url, 'POST', '/v2/image-imports', {
        upload: true,
        image_properties: { name: 'kept', disk_format: 'raw' },
      });
      assert.equal(begun.status, 201);
      const { self } = begun.json;
      await send(`${self}/file`);
      const become = (wanted: string) =>
        until(`status ${wanted}`, async () => {
          const { json } = await call(server.url, 'GET', self);
          return json.status === wanted && json;
        });
      const { error } = await become('failure');
      assert.deepEqual([error.code, error.retryable], ['store_full', true]);
      assert.equal((await stagedFiles()).length, 1);
      await makeRoom();
      assert.equal((await call(server.url, 'POST', `${self}/retry`)).status, 202);
      const { image_ref } = await become('success');
      assert.equal(await compareData(server.url, image_ref.split('/').at(-1), body), body.length);
      await until('an empty staging area', async () => (await stagedFiles()).length === 0);
    });
  });
});
