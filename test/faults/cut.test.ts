/** Connections that break, fall silent or trickle: told, undone within seconds, and no burden for the others. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makeHome, type ServerHome, type ServerProcess, until } from '../support/process.ts';
import { knownBytes } from './bytes.ts';
import { call, compareData, createImage, statusOf, type TaskLine, tasksOf, Upload, upload } from './calls.ts';

const mebibyte = 1024 * 1024;

describe('broken connections', { skip: process.platform !== 'linux' && 'needs /proc' }, () => {
  let home: ServerHome;
  let server: ServerProcess;

  before(async () => {
    home = await makeHome({ images: { uploadIdleTimeout: 2 } });
    server = await home.start();
  });
  after(async () => await home.remove());

  /** An upload whose first 3 MiB of 8 have reached the server, which then waits for more. */
  async function halfAnUpload(chunked: boolean): Promise<{ id: string; sending: Upload }> {
    const id = await createImage(server.url);
    const sending = new Upload(server.url, id, knownBytes(id, 8 * mebibyte), {
      chunked,
      holdAt: 3 * mebibyte,
    });
    assert.ok(await sending.begun);
    await sending.written;
    assert.equal(await statusOf(server.url, id), 'saving');
    return { id, sending };
  }

  /** The image is queued within 5 s, its task tells why, no byte is left, and a second try succeeds. */
  async function assertUndone(id: string): Promise<TaskLine> {
    await until('queued again', async () => (await statusOf(server.url, id)) === 'queued', 5000);
    const [task] = await tasksOf(server.url, id);
    assert.equal(task?.status, 'failure');
    assert.equal(task.message, task.result?.error.message);
    assert.deepEqual(
      (await home.storedFiles()).filter((name) => name.startsWith(id) || name.startsWith('.')),
      [],
    );
    const body = knownBytes(`${id} again`, mebibyte);
    assert.equal((await upload(server.url, id, body))?.status, 204);
    assert.equal(await compareData(server.url, id, body), body.length);
    return task;
  }

  for (const chunked of [false, true]) {
    const kind = chunked ? 'chunked' : 'with Content-Length';
    test(`a reset in the middle, ${kind}`, async () => {
      const { id, sending } = await halfAnUpload(chunked);
      sending.reset();
      const task = await assertUndone(id);
      assert.equal(task.result?.error.code, 'upload_cut');
    });

    test(`the end of the connection in the middle, ${kind}`, async () => {
      const { id, sending } = await halfAnUpload(chunked);
      sending.finish();
      const task = await assertUndone(id);
      assert.equal(task.result?.error.code, 'upload_cut');
    });

    test(`silence on an open connection, ${kind}`, async () => {
      const { id, sending } = await halfAnUpload(chunked);
      const answer = await sending.answer;
      assert.equal(answer?.status, 408);
      assert.equal(answer.json.error.reason, 'upload_stalled');
      const task = await assertUndone(id);
      assert.equal(task.result?.error.code, 'upload_stalled');
      assert.match(task.message, /No data arrived for 2 seconds/);
    });
  }

  test('a client that is gone before the first byte', async () => {
    const id = await createImage(server.url);
    const sending = new Upload(server.url, id, knownBytes(id, mebibyte), { holdAt: 0 });
    assert.ok(await sending.begun);
    sending.abandon();
    const task = await assertUndone(id);
    assert.equal(task.result?.error.code, 'upload_cut');
  });

  test('a client that does not wait for its answer loses nothing', async () => {
    const id = await createImage(server.url);
    const body = knownBytes(id, 2 * mebibyte);
    const sending = new Upload(server.url, id, body);
    await sending.written;
    sending.abandon();
    const final = await until('an end', async () => {
      const status = await statusOf(server.url, id);
      return status !== 'saving' && status;
    });
    if (final === 'active') assert.equal(await compareData(server.url, id, body), body.length);
    else await assertUndone(id);
  });

  test('a trickle slower than the idle limit in all, never silent for so long, succeeds', async () => {
    const id = await createImage(server.url);
    const body = knownBytes(id, 64 * 1024);
    const started = performance.now();
    const sending = new Upload(server.url, id, body, { pieceBytes: 4096, pauseMs: 250 });
    assert.equal((await sending.answer)?.status, 204);
    assert.ok(performance.now() - started > 3000, 'it took longer than the idle limit');
    assert.equal(await compareData(server.url, id, body), body.length);
  });

  test('200 slow uploads at once: the server answers others, and its memory stays flat', async () => {
    await upload(server.url, await createImage(server.url), knownBytes('warm', 16 * mebibyte));
    const before = server.residentBytes();
    const body = knownBytes('slow', 24 * 1024);
    const ids: string[] = [];
    while (ids.length < 200)
      ids.push(...(await Promise.all(Array.from({ length: 20 }, () => createImage(server.url)))));
    const sendings = ids.map((id) => new Upload(server.url, id, body, { pieceBytes: 2048, pauseMs: 500 }));
    assert.deepEqual(new Set(await Promise.all(sendings.map(({ begun }) => begun))), new Set([true]));

    let peak = before;
    const waits: number[] = [];
    let over = false;
    const answers = Promise.all(sendings.map(({ answer }) => answer)).finally(() => {
      over = true;
    });
    while (!over) {
      const asked = performance.now();
      assert.equal((await call(server.url, 'GET', `/v2/images/${ids[0]}`)).status, 200);
      waits.push(performance.now() - asked);
      peak = Math.max(peak, server.residentBytes());
      // Seldom enough that the memory is the uploads', not these requests'.
      await delay(25);
    }
    assert.deepEqual(new Set((await answers).map((answer) => answer?.status)), new Set([204]));

    const median = waits.toSorted((a, b) => a - b)[Math.floor(waits.length / 2)]!;
    console.log(
      `200 slow uploads: ${waits.length} requests meanwhile, median ${median.toFixed(1)} ms, ` +
        `memory ${(before / mebibyte).toFixed(0)} MiB before, ${(peak / mebibyte).toFixed(0)} MiB at most`,
    );
    assert.ok(peak < 300 * mebibyte, `memory came to ${peak / mebibyte} MiB`);
  });
});
