/** Imports from a URL over days that are not good ones: workers die, sources change, and what is safe is not fetched twice. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { openLab, type ServerLab } from '../../../../test/support/flow-lab.ts';
import { until } from '../../../../test/support/process.ts';
import { serve } from '../../../../test/support/web-source.ts';

const partBytes = 16 * 1024 * 1024;
const large = randomBytes(2 * partBytes + 1_000_000);
const etag = { ETag: '"large"' };

let lab: ServerLab;
before(async () => {
  lab = await openLab();
});
beforeEach(() => {
  lab.web.requests.length = 0;
});
after(() => lab?.close());

/** Gives `bytes` bytes of the whole and then keeps silent. */
function silentAfter(bytes: number): RequestListener {
  return (_request, response) => {
    response.writeHead(200, { 'Content-Length': large.length, ...etag });
    response.write(large.subarray(0, bytes));
  };
}

async function start(): Promise<{ image: string; flow: string }> {
  const image = await lab.createImage();
  const flow = await lab.startImport(image, 'web-download', { stores: ['one'] }, `${lab.web.url}/large.raw`);
  return { image, flow };
}

async function requireLarge(image: string): Promise<void> {
  const { status, size, os_hash_value } = await lab.freeImage(image);
  const digest = createHash('sha512').update(large).digest('hex');
  assert.deepEqual([status, size, os_hash_value], ['active', large.length, digest]);
}

const partsOf = (image: string) =>
  lab.rows('SELECT first, size, validator FROM staged_data WHERE image_id = $1 ORDER BY first', [image]);

/** An import whose worker was killed when two parts were safe and a third was on its way. */
async function killedInThirdPart(): Promise<{ image: string; flow: string }> {
  lab.isWorking = false;
  lab.answer = silentAfter(2 * partBytes + 500_000);
  const worker = await lab.forkWorker();
  await lab.command(worker, { hit: null, failAt: null });
  const started = await start();
  await until('two parts', async () => (await partsOf(started.image)).length === 2);
  const gone = once(worker, 'exit');
  worker.kill('SIGKILL');
  await gone;
  return started;
}

test('after a kill -9 it goes on behind the last part that is safe', async () => {
  const { image, flow } = await killedInThirdPart();
  lab.answer = (request, response) => serve(request, response, { bytes: large, headers: etag });
  lab.isWorking = true;
  assert.equal((await lab.ended(flow)).state, 'success');
  await requireLarge(image);
  const again = lab.web.requests.at(-1)!.headers;
  const parts = 2 * partBytes;
  assert.ok(Number(/^bytes=(\d+)-$/.exec(again.range ?? '')?.[1]) >= parts, `asked for ${again.range}`);
  assert.equal(again['if-range'], etag.ETag);
  await lab.tidy();
});

test('a source that has other bytes by then is fetched from its beginning', async () => {
  const { image, flow } = await killedInThirdPart();
  const other = randomBytes(partBytes + 10);
  lab.answer = (request, response) =>
    serve(request, response, { bytes: other, headers: { ETag: '"other"' } });
  lab.isWorking = true;
  assert.equal((await lab.ended(flow)).state, 'success');
  const { size, os_hash_value } = await lab.freeImage(image);
  const digest = createHash('sha512').update(other).digest('hex');
  assert.deepEqual([size, os_hash_value], [other.length, digest]);
  await lab.tidy();
});

test('a source without a validator is never continued', async () => {
  let cuts = 1;
  lab.answer = (request, response) => {
    const cutAfter = cuts-- > 0 ? partBytes + 1_000_000 : undefined;
    serve(request, response, { bytes: large, cutAfter });
  };
  const { image, flow } = await start();
  assert.equal((await lab.ended(flow)).state, 'success');
  await requireLarge(image);
  assert.ok(lab.web.requests.every(({ headers }) => headers.range === undefined));
  await lab.tidy();
});

test('a cancellation leaves nothing of the parts', async () => {
  lab.answer = silentAfter(partBytes + 500_000);
  const { image, flow } = await start();
  await until('a part', async () => (await partsOf(image)).length === 1);
  // Progress is told with the next heartbeat.
  await until('the progress', async () => {
    const { tasks } = await lab.call('GET', `/v2/images/${image}/tasks`);
    return /^Downloaded \d+ of 32 MiB/.test((tasks as { message: string }[])[0]!.message);
  });
  await lab.call('DELETE', `/v2/images/${image}`);
  assert.equal((await lab.ended(flow)).state, 'cancelled');
  await lab.tidy();
});

describe('what is secret in a URL', () => {
  const secret = 'pa55word-of-nobody';
  const uri = () => `${lab.web.url.replace('//', `//someone:${secret}@`)}/large.raw?signature=${secret}`;
  const startSecret = async () => {
    const image = await lab.createImage();
    return { image, flow: await lab.startImport(image, 'web-download', { stores: ['one'] }, uri()) };
  };

  test('is kept while the source is read, and nowhere once all of it is there', async () => {
    lab.answer = silentAfter(1000);
    const { image, flow } = await startSecret();
    await until('the request', () => lab.web.requests.length > 0);
    assert.deepEqual(await lab.tablesWith(secret), ['tintype_engine.workflow_input']);
    assert.match(lab.web.requests[0]!.headers.authorization ?? '', /^Basic /);
    await lab.call('DELETE', `/v2/images/${image}`);
    assert.equal((await lab.ended(flow)).state, 'cancelled');
    assert.deepEqual(await lab.tablesWith(secret), []);
  });

  test('is gone before the data is placed', async () => {
    lab.answer = (request, response) => serve(request, response, { bytes: large, headers: etag });
    const seen: Promise<string[]>[] = [];
    lab.reach = ({ record, when }) => {
      if (record === 'place:one' && when === 'before') seen.push(lab.tablesWith(secret));
    };
    const { image, flow } = await startSecret();
    assert.equal((await lab.ended(flow)).state, 'success');
    lab.reach = null;
    await requireLarge(image);
    assert.deepEqual(await Promise.all(seen), [[]]);
  });

  test('is gone when the source refused', async () => {
    lab.answer = (_request, response) => response.writeHead(403).end();
    const { flow } = await startSecret();
    assert.equal((await lab.ended(flow)).failure?.code, 'source_refused');
    assert.deepEqual(await lab.tablesWith(secret), []);
    await lab.tidy();
  });
});

test('the quota counts what is fetched, told beforehand or not', async () => {
  const limit = 1000 * 1024 * 1024;
  lab.answer = (_request, response) => {
    response.writeHead(200, { 'Content-Length': limit + 1 });
    response.write(Buffer.alloc(1000));
  };
  const { image, flow } = await start();
  const ended = await lab.ended(flow);
  assert.deepEqual([ended.state, ended.failure?.code], ['failed', 'quota_exceeded']);
  assert.deepEqual((await lab.freeImage(image)).size, null);
  await lab.tidy();
});
