/** Downloads from several endpoints: the quick one serves, another goes on where one fails, and wrong bytes are told. */
import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { type Image, locationsOf, NearestImages } from './index.ts';
import { data, listen, record, verify } from './testing/data-server.ts';

interface Node {
  readonly url: string;
  /** Ranges of the data that were asked for; `all` without one. */
  readonly asked: string[];
}

type Give = (response: ServerResponse, bytes: Buffer, request: IncomingMessage) => void;

const whole: Give = (response, bytes) => void response.end(bytes);

/** The head of the right answer, and then whatever `give` makes of the bytes. */
async function node(give: Give = whole, content: Buffer = data): Promise<Node> {
  const asked: string[] = [];
  const url = await listen((request, response) => {
    if (request.url === '/v2/images/a') return void response.end(JSON.stringify(record));
    const { range } = request.headers;
    asked.push(range ?? 'all');
    const [first, last] = /^bytes=(\d+)-(\d+)$/
      .exec(range ?? '')
      ?.slice(1)
      .map(Number) ?? [0, content.length - 1];
    const bytes = content.subarray(first, last! + 1);
    const head = {
      'Content-Length': bytes.length,
      'Content-Range': `bytes ${first}-${last}/${content.length}`,
    };
    response.writeHead(
      range === undefined ? 200 : 206,
      range === undefined ? { 'Content-Length': bytes.length } : head,
    );
    give(response, bytes, request);
  });
  return { url, asked };
}

/** Sends so many bytes of what is asked for, and then cuts the connection. */
const cutting =
  (bytes: number): Give =>
  (response, all) =>
    void response.write(all.subarray(0, bytes), () => response.destroy());

async function collect(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const at = (...nodes: readonly { url: string }[]) => impatiently(undefined, ...nodes);

const impatiently = (stallMs: number | undefined, ...nodes: readonly { url: string }[]) =>
  new NearestImages(
    nodes.map(({ url }) => ({ endpoint: url, token: 'secret' })),
    { stallMs },
  );

const nowhere = { url: 'http://127.0.0.1:9' };

test('the first serves as long as nothing is known, and one that is away is made up for', async () => {
  const [one, other] = [await node(), await node()];
  const progress: number[] = [];
  const onProgress = ({ transferred }: { transferred: number }) => void progress.push(transferred);
  const bytes = await collect(await at(one, other).downloadData('a', { verify, onProgress }));
  assert.ok(bytes.equals(data));
  assert.equal(progress.at(-1), data.length);
  assert.deepEqual([one.asked, other.asked], [['all'], []]);
  const images = at(nowhere, other);
  assert.equal((await images.getImage('a')).size, data.length);
  assert.ok((await collect(await images.downloadData('a', { verify }))).equals(data));
  assert.deepEqual(other.asked, ['all']);
});

test('in the middle another goes on with the next byte, and the digest is that of all', async () => {
  const [cut, good] = [await node(cutting(300_000)), await node()];
  assert.ok((await collect(await at(cut, good).downloadData('a', { verify }))).equals(data));
  const [resumed] = good.asked as [string];
  const first = Number(/^bytes=(\d+)-999999$/.exec(resumed)?.[1]);
  assert.ok(first > 0 && first <= 300_000, resumed);
});

test('one that cuts again and again gets on as long as it gives something, and rests after that', async () => {
  const always = await node(cutting(400_000));
  const images = at(always);
  assert.ok((await collect(await images.downloadData('a', { verify }))).equals(data));
  assert.ok(always.asked.length >= 3);
  const never = await node((response) => void response.destroy());
  const hopeless = at(never);
  const download = async () =>
    await collect(await hopeless.downloadData(record as unknown as Image, { verify }));
  for (let round = 0; round < 3; round += 1)
    await assert.rejects(download(), { name: 'ConnectionError', message: /was cut/ });
  assert.equal(never.asked.length, 3);
  await assert.rejects(download(), { name: 'ConnectionError', message: /failed a moment ago/ });
  assert.equal(never.asked.length, 3);
});

test('a silent one is given up in time, before its answer and in the middle', async () => {
  const mute = await listen(() => {});
  const stopping = await node((response, bytes) => void response.write(bytes.subarray(0, 1000)));
  const good = await node();
  for (const first of [{ url: mute }, stopping]) {
    const stream = await impatiently(500, first, good).downloadData('a', { verify });
    assert.ok((await collect(stream)).equals(data));
  }
  assert.deepEqual(good.asked, ['all', 'bytes=1000-999999']);
  const alone = impatiently(50, { url: mute });
  await assert.rejects(alone.getImage('a'), { name: 'ConnectionError', trouble: 'timeout' });
  const download = alone.downloadData(record as unknown as Image, { verify });
  await assert.rejects(download, { name: 'ConnectionError', trouble: 'timeout' });
});

test('a slow one comes later once both are known', async () => {
  const slow = await node((response, bytes) => void setTimeout(() => response.end(bytes), 300));
  const quick = await node();
  const images = at(slow, quick);
  for (let round = 0; round < 4; round += 1)
    assert.ok((await collect(await images.downloadData('a', { verify }))).equals(data));
  assert.deepEqual([slow.asked.length, quick.asked.length], [1, 3]);
});

test('wrong bytes are an error before their end, whoever gave them', async () => {
  const wrong = Buffer.from(data).fill('x', 999_000, 999_001);
  const [bad, good] = [await node(whole, wrong), await node()];
  const seen: number[] = [];
  const read = async (images: NearestImages) => {
    for await (const { length } of await images.downloadData('a', { verify })) seen.push(length);
  };
  await assert.rejects(read(at(bad, good)), { name: 'VerificationError', trouble: 'digest' });
  assert.ok(seen.reduce((sum, length) => sum + length, 0) < data.length);
  const short = await node(whole, data.subarray(0, 1000));
  await assert.rejects(read(at(short)), { name: 'ProtocolError' });
  assert.ok((await collect(await at(short, good).downloadData('a', { verify }))).equals(data));
});

test('a part comes from anywhere too, and who leaves early ends the request', async () => {
  const [cut, good] = [await node(cutting(10)), await node()];
  const range = { start: 5, end: 24 };
  const part = await collect(await at(cut, good).downloadData('a', { verify, range }));
  assert.equal(String(part), '56789012345678901234');
  assert.deepEqual([cut.asked, good.asked], [['bytes=5-24'], ['bytes=15-24']]);
  const ended = Promise.withResolvers<void>();
  const endless = await node((response, bytes) => {
    response.on('close', () => ended.resolve());
    response.write(bytes.subarray(0, 1000));
  });
  const other = await node();
  const stream = await at(endless, other).downloadData('a', { verify });
  const reader = stream.getReader();
  await reader.read();
  const waiting = reader.read();
  await reader.cancel();
  assert.deepEqual(await waiting, { done: true, value: undefined });
  await ended.promise;
  assert.deepEqual(other.asked, []);
});

test('locations are asked without the token, and those that a client cannot ask are left out', async () => {
  const headers: (string | undefined)[] = [];
  const store = await node((response, bytes, request) => {
    headers.push(request.headers['x-auth-token'] as string | undefined);
    response.end(bytes);
  });
  const image = {
    ...record,
    direct_url: 'rbd://fsid/pool/a/snap',
    locations: [
      { url: `${store.url}/object`, metadata: {} },
      { url: 'file:///a', metadata: {} },
    ],
  } as unknown as Image;
  const locations = locationsOf(image);
  assert.deepEqual(locations, ['rbd://fsid/pool/a/snap', `${store.url}/object`, 'file:///a']);
  const stream = await at(nowhere).downloadData(image, { verify, locations });
  assert.ok((await collect(stream)).equals(data));
  assert.deepEqual(headers, [undefined]);
  const options = { verify, locations: [`${store.url}/object`] };
  const secure = new NearestImages([{ endpoint: 'https://127.0.0.1:9', token: 'secret' }]);
  await assert.rejects(secure.downloadData(image, options), { name: 'ConnectionError' });
  assert.equal(store.asked.length, 1);
});

test('what no place has is told as ever, and so are an abort and an image without data', async () => {
  const missing = await listen((_, response) => response.writeHead(404).end('{"message":"no"}'));
  await assert.rejects(at({ url: missing }, { url: missing }).downloadData('a', { verify }), { status: 404 });
  const empty = { id: 'a', size: null, status: 'queued' } as unknown as Image;
  await assert.rejects(at(nowhere).downloadData(empty, { verify }), { name: 'NoDataError' });
  const giving = new AbortController();
  const silent = await listen(() => giving.abort(new Error('enough')));
  const { signal } = giving;
  await assert.rejects(at({ url: silent }, await node()).downloadData('a', { verify, signal }), {
    message: 'enough',
  });
  assert.throws(() => new NearestImages([]), { name: 'EndpointError' });
});
