/** Images taken from another image service that is not always as it should be; nothing of whoever asked stays behind. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { imageData, openLab, remoteImage, type ServerLab } from '../../../../test/support/flow-lab.ts';
import { until } from '../../../../test/support/process.ts';
import { serve } from '../../../../test/support/web-source.ts';

const partBytes = 16 * 1024 * 1024;
const path = `/v2/images/${remoteImage.id}`;
const token = 'token-of-somebody-0123456789';

let lab: ServerLab;
before(async () => {
  lab = await openLab();
});
beforeEach(() => {
  lab.web.requests.length = 0;
});
after(() => lab?.close());

/** Another image service: its record of the image, and how it gives the data. */
function service(record: object, give: RequestListener): RequestListener {
  return (request, response) => {
    if (request.url === path) response.end(JSON.stringify(record));
    else give(request, response);
  };
}

const giveData = (request: IncomingMessage, response: ServerResponse) =>
  serve(request, response, { bytes: imageData });

async function start(headers: Record<string, string> = {}): Promise<{ image: string; flow: string }> {
  const image = await lab.createImage();
  const method = { name: 'glance-download', glance_region: 'Elsewhere', glance_image_id: remoteImage.id };
  const answer = await lab.ask('POST', `/v2/images/${image}/import`, { method }, headers);
  assert.equal(answer.status, 202, JSON.stringify(answer.body));
  const { tasks } = await lab.call('GET', `/v2/images/${image}/tasks`);
  return { image, flow: (tasks as { id: string }[])[0]!.id };
}

async function failed(record: object, give: RequestListener = giveData) {
  lab.answer = service(record, give);
  const { image, flow } = await start();
  const { failure } = await lab.ended(flow);
  const then = await lab.freeImage(image);
  assert.deepEqual([then.status, then.hw_cpu_cores], ['queued', undefined]);
  return failure!;
}

describe('a service that gives no ETag', () => {
  const large = randomBytes(2 * partBytes + 1_000_000);
  const record = { ...remoteImage, size: large.length, os_hash_value: undefined, os_hash_algo: undefined };

  /** Ranges, but nothing to tell one object from another by. */
  function giveRange(request: IncomingMessage, response: ServerResponse): void {
    const first = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const rest = large.subarray(first);
    if (first === 0) response.writeHead(200, { 'Content-Length': large.length });
    else
      response.writeHead(206, {
        'Content-Range': `bytes ${first}-${large.length - 1}/${large.length}`,
        'Content-Length': rest.length,
      });
    response.end(rest);
  }

  test('is gone on with after a kill -9, since the data of an image never changes', async () => {
    const checksum = createHash('md5').update(large).digest('hex');
    lab.isWorking = false;
    lab.answer = service({ ...record, checksum }, (_request, response) => {
      response.writeHead(200, { 'Content-Length': large.length });
      response.write(large.subarray(0, 2 * partBytes + 500_000));
    });
    const worker = await lab.forkWorker();
    await lab.command(worker, { hit: null, failAt: null });
    const { image, flow } = await start();
    await until('two parts', async () => (await lab.stagedParts(image)) === 2);
    const gone = once(worker, 'exit');
    worker.kill('SIGKILL');
    await gone;
    lab.answer = service({ ...record, checksum }, giveRange);
    lab.isWorking = true;
    assert.equal((await lab.ended(flow)).state, 'success');
    const { status, size, checksum: found } = await lab.freeImage(image);
    assert.deepEqual([status, size, found], ['active', large.length, checksum]);
    const { range } = lab.web.requests.at(-1)!.headers;
    assert.ok(Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]) >= 2 * partBytes, `asked for ${range}`);
    await lab.tidy();
  });
});

describe('the token of whoever asks', () => {
  test('is shown to the service, and nowhere once the data is there', async () => {
    lab.answer = service(remoteImage, (_request, response) => response.writeHead(200).write('x'));
    const { image, flow } = await start({ 'X-Auth-Token': token });
    await until('the request for data', () => lab.web.requests.some((one) => one.path === `${path}/file`));
    assert.deepEqual(
      lab.web.requests.map(({ headers }) => headers['x-auth-token']),
      [token, token],
    );
    assert.deepEqual(await lab.tablesWith(token), ['tintype_engine.workflow_input']);
    await lab.call('DELETE', `/v2/images/${image}`);
    assert.equal((await lab.ended(flow)).state, 'cancelled');
    assert.deepEqual(await lab.tablesWith(token), []);

    lab.answer = service(remoteImage, giveData);
    const seen: Promise<string[]>[] = [];
    lab.reach = ({ record, when }) => {
      if (record === 'place:one' && when === 'before') seen.push(lab.tablesWith(token));
    };
    const good = await start({ 'X-Auth-Token': token });
    assert.equal((await lab.ended(good.flow)).state, 'success');
    lab.reach = null;
    assert.deepEqual(await Promise.all(seen), [[]]);
  });

  test('goes nowhere that the service redirects to', async () => {
    lab.answer = service(remoteImage, (_request, response) =>
      response.writeHead(302, { Location: 'http://127.0.0.1:1/data' }).end(),
    );
    const { flow } = await start({ 'X-Auth-Token': token });
    assert.equal((await lab.ended(flow)).failure?.code, 'source_not_allowed');
  });
});

describe('fails, and changes nothing, when the image there', () => {
  test('is not active', async () => {
    const { code, message } = await failed({ ...remoteImage, status: 'queued' });
    assert.equal(code, 'source_unusable');
    assert.match(message, /region 'Elsewhere' is queued, not active/);
  });

  test('has a format that images here cannot have', async () => {
    const { code, message } = await failed({ ...remoteImage, disk_format: 'floppy' });
    assert.equal(code, 'source_unusable');
    assert.match(message, /disk_format 'floppy'/);
  });

  test('is not what it is said to be', async () => {
    const digest = { os_hash_value: 'a'.repeat(128) };
    assert.equal((await failed({ ...remoteImage, ...digest })).code, 'digest_mismatch');
  });

  test('has more or less data than it is said to have', async () => {
    const size = imageData.length + 1;
    assert.equal((await failed({ ...remoteImage, size })).code, 'size_mismatch');
    const cloaked: RequestListener = (_request, response) => response.end(imageData);
    assert.equal((await failed({ ...remoteImage, size }, cloaked)).code, 'size_mismatch');
  });

  test('has no record, or none that makes sense', async () => {
    assert.equal((await failed({ ...remoteImage, size: 'large' })).code, 'source_unusable');
    lab.answer = (_request, response) => response.end('<html>');
    const nonsense = await start();
    assert.equal((await lab.ended(nonsense.flow)).failure?.code, 'source_unavailable');
    lab.answer = (_request, response) => response.writeHead(404).end();
    const { flow } = await start();
    const { failure } = await lab.ended(flow);
    assert.equal(failure?.code, 'source_refused');
    assert.match(failure!.message, /404/);
  });
});

test('an image without bytes is taken without asking for them', async () => {
  const os_hash_value = createHash('sha512').digest('hex');
  lab.answer = service({ ...remoteImage, size: 0, os_hash_value }, (_request, response) =>
    response.writeHead(204).end(),
  );
  const { image, flow } = await start();
  assert.equal((await lab.ended(flow)).state, 'success');
  const { status, size } = await lab.freeImage(image);
  assert.deepEqual([status, size], ['active', 0]);
  await lab.tidy();
});
