/** The client against HTTP servers that speak the API well, oddly, or not at all. */
import assert from 'node:assert/strict';
import { createHash, getHashes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import {
  AmbiguousNameError,
  ConnectionError,
  type CreateHasher,
  type Image,
  ImageApiError,
  ImageClient,
  type ImageQuery,
  NoDataError,
  type Progress,
  ProtocolError,
  TokenError,
  VerificationError,
  verifyUpload,
} from './index.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

const closing: (() => void)[] = [];
after(() => {
  for (const close of closing) close();
});

/** Address of a server that answers with `handler`. */
async function listen(handler: Handler): Promise<string> {
  const server = createServer((request, response) => void handler(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function answer(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(value));
}

async function listAll(client: ImageClient, query: ImageQuery = {}): Promise<Image[]> {
  const images: Image[] = [];
  for await (const image of client.listImages(query)) images.push(image);
  return images;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await request.toArray());
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const hashers: CreateHasher = (algorithm) => (getHashes().includes(algorithm) ? createHash(algorithm) : null);
const hex = (algorithm: string, data: Uint8Array) => createHash(algorithm).update(data).digest('hex');
const data = Buffer.from('0123456789'.repeat(100_000));

function record(id: string, more: Record<string, unknown> = {}): Image {
  return {
    id,
    name: id,
    status: 'active',
    size: data.length,
    checksum: null,
    tags: [],
    ...more,
  } as unknown as Image;
}

/** Serves `data` whole, with a record of these attributes. */
function serveData(attributes: Record<string, unknown>, send: Handler): Promise<string> {
  return listen((request, response) => {
    if (request.url?.endsWith('/file')) return send(request, response);
    answer(response, 200, record('a', attributes));
  });
}

test('lists page by page, with every filter, behind a prefix', async () => {
  const asked: URL[] = [];
  const endpoint = await listen((request, response) => {
    const url = new URL(request.url!, 'http://host');
    asked.push(url);
    const start = Number(url.searchParams.get('marker') ?? 0);
    const images = [1, 2].map((step) => record(String(start + step)));
    // The path lacks the prefix, as that of a server behind a proxy does.
    const next = start >= 4 ? {} : { next: `/v2/images?marker=${start + 2}&limit=2&tag=x&tag=y` };
    answer(response, 200, { images, ...next });
  });
  const client = new ImageClient({ endpoint: `${endpoint}/image/v2/` });
  const query = {
    limit: 2,
    tags: ['x', 'y'],
    properties: { os_distro: 'debian & co' },
    os_hidden: true,
  } as const;
  const ids = (await listAll(client, query)).map(({ id }) => id);
  assert.deepEqual(ids, ['1', '2', '3', '4', '5', '6']);
  assert.ok(asked.every(({ pathname }) => pathname === '/image/v2/images'));
  const [first, second] = asked.map(({ searchParams }) => searchParams);
  assert.equal(first!.get('os_distro'), 'debian & co');
  assert.equal(first!.get('os_hidden'), 'true');
  assert.deepEqual(second!.getAll('tag'), ['x', 'y']);
  assert.equal(asked.length, 3);
});

test('a page is not requested before it is needed, and one that repeats itself ends the walk', async () => {
  let pages = 0;
  const endpoint = await listen((_, response) => {
    pages += 1;
    answer(response, 200, { images: [record('1')], next: '/v2/images?marker=1' });
  });
  const client = new ImageClient({ endpoint });
  for await (const image of client.listImages()) {
    assert.equal(image.id, '1');
    break;
  }
  assert.equal(pages, 1);
  await assert.rejects(listAll(client), ProtocolError);
});

test('finds by id, then by name, then among the hidden', async () => {
  const endpoint = await listen((request, response) => {
    const url = new URL(request.url!, 'http://host');
    if (url.pathname === '/v2/images/by-id') return answer(response, 200, record('by-id'));
    if (url.pathname !== '/v2/images') return answer(response, 404, { message: 'none' });
    const name = url.searchParams.get('name');
    const hidden = url.searchParams.has('os_hidden');
    const found =
      { two: hidden ? 0 : 2, one: hidden ? 0 : 1, hidden: hidden ? 1 : 0, 'in:"in:x"': 1 }[name!] ?? 0;
    answer(response, 200, { images: ['a', 'b'].slice(0, found).map((id) => record(`${name}-${id}`)) });
  });
  const client = new ImageClient({ endpoint });
  assert.equal((await client.findImage('by-id')).id, 'by-id');
  assert.equal((await client.findImage('one')).id, 'one-a');
  assert.equal((await client.findImage('hidden')).id, 'hidden-a');
  assert.equal((await client.findImage('in:x')).id, 'in:"in:x"-a');
  await assert.rejects(client.findImage('two'), (error) => {
    assert.ok(error instanceof AmbiguousNameError);
    assert.deepEqual(error.ids, ['two-a', 'two-b']);
    return true;
  });
  for (const name of ['none', '..', '']) {
    await assert.rejects(client.findImage(name), { code: 'image_not_found', status: 404 });
  }
});

test('changes become patch operations; operations go as they are; If-Match is sent', async () => {
  const seen: { headers: IncomingMessage['headers']; body: unknown }[] = [];
  const endpoint = await listen(async (request, response) => {
    seen.push({ headers: request.headers, body: JSON.parse(String(await bodyOf(request))) });
    answer(response, 200, record('a'), { ETag: '"7"' });
  });
  const client = new ImageClient({ endpoint, token: 'secret', userAgent: 'probe/1' });
  const changes = { name: null, min_disk: 2, 'a/b~c': 'v', gone: null, kept: undefined };
  await client.updateImage('a', changes, { ifMatch: '"6"' });
  await client.updateImage('a', [{ op: 'remove', path: '/x' }]);
  assert.deepEqual(seen[0]!.body, [
    { op: 'replace', path: '/name', value: null },
    { op: 'replace', path: '/min_disk', value: 2 },
    { op: 'add', path: '/a~1b~0c', value: 'v' },
    { op: 'remove', path: '/gone' },
  ]);
  assert.deepEqual(seen[1]!.body, [{ op: 'remove', path: '/x' }]);
  const { headers } = seen[0]!;
  assert.equal(headers['if-match'], '"6"');
  assert.equal(headers['content-type'], 'application/openstack-images-v2.1-json-patch');
  assert.equal(headers['x-auth-token'], 'secret');
  assert.equal(headers['user-agent'], 'probe/1');
});

test('a refusal carries code, status, sentence and request id', async () => {
  const error = { code: 409, title: 'Conflict', message: 'It is active.', reason: 'status_conflict' };
  const endpoint = await listen((_, response) => {
    answer(response, 409, { error }, { 'X-Openstack-Request-Id': 'req-1' });
  });
  const client = new ImageClient({ endpoint });
  await assert.rejects(client.addTag('a', 'b'), (thrown) => {
    assert.ok(thrown instanceof ImageApiError);
    const { code, status, message, requestId } = thrown;
    assert.deepEqual([code, status, message, requestId], ['status_conflict', 409, 'It is active.', 'req-1']);
    return true;
  });
});

test('refusals of other servers keep their sentence', async () => {
  const bodies: [string, string, string][] = [
    ['application/json', '{"message":"flat","code":"403 Forbidden","title":"Forbidden"}', 'flat'],
    ['text/html', '<html><head><title>403</title></head><body>in a page</body></html>', 'in a page'],
    ['text/plain', 'just text', 'just text'],
  ];
  for (const [type, body, message] of bodies) {
    const endpoint = await listen(
      (_, response) => void response.writeHead(403, { 'Content-Type': type }).end(body),
    );
    await assert.rejects(new ImageClient({ endpoint }).getImage('a'), { message, status: 403, code: null });
  }
  const silent = await listen((_, response) => void response.writeHead(500).end());
  await assert.rejects(new ImageClient({ endpoint: silent }).getImage('a'), /answered 500 and no reason/);
});

test('no server, no host, no Image API, no redirect with the token', async () => {
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address() as AddressInfo;
  gone.close();
  const refused = new ImageClient({ endpoint: `http://127.0.0.1:${port}` }).getImage('a');
  await assert.rejects(refused, {
    name: 'ConnectionError',
    trouble: 'refused',
    message: `no server at http://127.0.0.1:${port}: is it running?`,
  });
  const unknown = new ImageClient({ endpoint: 'http://nowhere.invalid:9292' }).getImage('a');
  await assert.rejects(unknown, { name: 'ConnectionError', trouble: 'unknown_host' });

  const page = await listen((_, response) => void response.writeHead(200).end('<html>It works!</html>'));
  await assert.rejects(new ImageClient({ endpoint: page }).getImage('a'), ProtocolError);
  await assert.rejects(new ImageClient({ endpoint: page }).versions(), ProtocolError);

  let strays = 0;
  const elsewhere = await listen((_, response) => {
    strays += 1;
    answer(response, 200, record('a'));
  });
  const redirecting = await listen((_, response) => {
    response.writeHead(302, { Location: `${elsewhere}/v2/images/a?secret=1` }).end();
  });
  const client = new ImageClient({ endpoint: redirecting, token: 'secret' });
  await assert.rejects(client.getImage('a'), (error: Error) => {
    assert.ok(error instanceof ProtocolError && error.message.includes(`${elsewhere}/v2/images/a:`));
    return true;
  });
  await assert.rejects(client.uploadData('a', chunks([data])), ProtocolError);
  assert.equal(strays, 0);
  assert.throws(
    () => new ImageClient({ endpoint: page, token: 'hunter\n2' }),
    (error: Error) => error instanceof TokenError && !error.message.includes('hunter'),
  );
});

test('an abort surfaces as its own reason', async () => {
  const endpoint = await listen(() => {});
  const abort = new AbortController();
  const pending = new ImageClient({ endpoint }).getImage('a', abort.signal);
  const reason = new Error('enough');
  abort.abort(reason);
  await assert.rejects(pending, (error) => error === reason);
});

test('versions come from /versions, or from the root; health from its pages, without the token', async () => {
  const versions = [{ id: 'v2.18', status: 'CURRENT', links: [] }];
  const tokens: unknown[] = [];
  const endpoint = await listen((request, response) => {
    tokens.push(request.headers['x-auth-token']);
    if (request.url === '/healthcheck') return void response.writeHead(200).end('OK');
    if (request.url === '/readyz') return answer(response, 503, { error: { message: 'stopping' } });
    answer(response, request.url === '/' ? 300 : 404, request.url === '/' ? { versions } : {});
  });
  const client = new ImageClient({ endpoint, token: 'secret' });
  assert.deepEqual(await client.versions(), versions);
  assert.deepEqual(await client.health(), { ok: true, status: 200, detail: 'OK' });
  const readiness = await client.readiness();
  assert.deepEqual([readiness?.ok, readiness?.status], [false, 503]);
  assert.ok(tokens.every((token) => token === undefined));
});

async function* chunks(parts: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* parts;
}

test('uploads from every kind of body, and tells size, store and expected digests', async () => {
  const seen: { headers: IncomingMessage['headers']; body: Buffer }[] = [];
  const endpoint = await listen(async (request, response) => {
    seen.push({ headers: request.headers, body: await bodyOf(request) });
    response.writeHead(204).end();
  });
  const client = new ImageClient({ endpoint });
  const halves = [data.subarray(0, 400_000), data.subarray(400_000)];
  for (const body of [chunks(halves), ReadableStream.from(halves), new Blob(halves), data]) {
    const progress: Progress[] = [];
    const uploaded = await client.uploadData('a', body, {
      size: data.length,
      store: 'fast',
      expectedDigests: { sha256: 'ab', md5: 'cd' },
      hash: { algorithms: ['sha512', 'md5', 'unheard-of'], createHasher: hashers },
      onProgress: (step) => progress.push(step),
    });
    const { headers, body: received } = seen.pop()!;
    assert.ok(received.equals(data));
    assert.equal(headers['x-openstack-image-size'], String(data.length));
    assert.equal(headers['x-image-meta-store'], 'fast');
    assert.equal(headers['x-tintype-expected-digest'], 'sha256=ab,md5=cd');
    assert.equal(headers['content-type'], 'application/octet-stream');
    const digests = { sha512: hex('sha512', data), md5: hex('md5', data) };
    assert.deepEqual(uploaded, { bytes: data.length, digests });
    assert.deepEqual(progress.at(-1), { transferred: data.length, total: data.length });
  }
});

test('an upload that is refused early, cannot read its source, or is stopped lets go of the source', async () => {
  const error = { message: 'No.', reason: 'status_conflict' };
  const endpoint = await listen((request, response) => {
    if (request.url?.includes('/early/')) answer(response, 409, { error });
    request.on('error', () => {});
    request.resume();
  });
  const client = new ImageClient({ endpoint });
  let ended = 0;
  async function* source(fault?: Error) {
    try {
      for (let count = 0; count < 10_000; count++) {
        if (count === 3 && fault) throw fault;
        yield new Uint8Array(65_536);
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      ended += 1;
    }
  }
  await assert.rejects(client.uploadData('early', source()), { code: 'status_conflict' });
  const fault = new Error('bad sector');
  await assert.rejects(client.uploadData('a', source(fault)), (thrown) => thrown === fault);
  const abort = new AbortController();
  const onProgress = ({ transferred }: Progress) => {
    if (transferred > 200_000) abort.abort(fault);
  };
  const { signal } = abort;
  await assert.rejects(
    client.uploadData('a', source(), { onProgress, signal }),
    (thrown) => thrown === fault,
  );
  // The generator was between two chunks when it was stopped.
  while (ended < 3) await new Promise((resolve) => setImmediate(resolve));
});

test('a long upload stays within little memory', async () => {
  const endpoint = await listen((request, response) => {
    request.resume().on('end', () => response.writeHead(204).end());
  });
  const total = 512 * 1024 * 1024;
  async function* source() {
    for (let sent = 0; sent < total; sent += 1024 * 1024) yield Buffer.alloc(1024 * 1024);
  }
  let most = 0;
  const onProgress = () => {
    most = Math.max(most, process.memoryUsage().arrayBuffers);
  };
  const { bytes } = await new ImageClient({ endpoint }).uploadData('a', source(), { onProgress });
  assert.equal(bytes, total);
  assert.ok(most < 256 * 1024 * 1024, `${most} bytes were held`);
});

test('an upload is compared with the record that came of it', () => {
  const digests = { sha512: 'aa', md5: 'BB' };
  const image = (more: Record<string, unknown>) => record('a', { size: 5, ...more });
  assert.equal(verifyUpload(image({ os_hash_algo: 'sha512', os_hash_value: 'AA' }), 5, digests), 'sha512');
  assert.equal(
    verifyUpload(image({ os_hash_algo: 'sha256', os_hash_value: 'x', checksum: 'bb' }), 5, digests),
    'md5',
  );
  assert.equal(verifyUpload(image({ os_hash_algo: 'sha256', os_hash_value: 'x' }), 5, digests), null);
  const wrong = image({ os_hash_algo: 'sha512', os_hash_value: 'ab' });
  assert.throws(() => verifyUpload(wrong, 5, digests), { trouble: 'digest' });
  assert.throws(() => verifyUpload(image({}), 4, digests), { trouble: 'size' });
});

test('downloads whole and verified, by either digest or by that of the answer', async () => {
  const whole: Handler = (_, response) => void response.end(data);
  const withMd5: Handler = (_, response) =>
    void response.setHeader('Content-MD5', hex('md5', data)).end(data);
  const multihash = { os_hash_algo: 'sha256', os_hash_value: hex('sha256', data).toUpperCase() };
  const cases: [Record<string, unknown>, Handler][] = [
    [{ ...multihash, checksum: 'wrong, and not looked at' }, whole],
    [{ os_hash_algo: 'unheard-of', os_hash_value: 'x', checksum: hex('md5', data) }, whole],
    [{}, withMd5],
  ];
  for (const [attributes, send] of cases) {
    const client = new ImageClient({ endpoint: await serveData(attributes, send) });
    const progress: Progress[] = [];
    const onProgress = (step: Progress) => void progress.push(step);
    const stream = await client.downloadData('a', { verify: hashers, onProgress });
    assert.ok((await collect(stream)).equals(data));
    assert.deepEqual(progress.at(-1), { transferred: data.length, total: data.length });
  }
});

test('a download that is wrong, short, long, cut, empty or not to be verified ends with an error', async () => {
  const good = { os_hash_algo: 'sha512', os_hash_value: hex('sha512', data) };
  const damaged = Buffer.from(data);
  damaged[500_000]! ^= 1;
  const cut: Handler = (_, response) => {
    response.writeHead(200, { 'Content-Length': data.length });
    response.write(data.subarray(0, 300_000), () => response.destroy());
  };
  const cases: [Handler, object][] = [
    [(_, response) => void response.end(damaged), { name: 'VerificationError', trouble: 'digest' }],
    [(_, response) => void response.end(data.subarray(1)), { name: 'VerificationError', trouble: 'size' }],
    [
      (_, response) => void response.end(Buffer.concat([data, data])),
      { name: 'VerificationError', trouble: 'size' },
    ],
    [cut, { name: 'ConnectionError', trouble: 'cut' }],
  ];
  for (const [send, error] of cases) {
    const client = new ImageClient({ endpoint: await serveData(good, send) });
    await assert.rejects(collect(await client.downloadData('a', { verify: hashers })), error);
  }
  const short: Handler = (_, response) => void response.end(data.subarray(1));
  const unverified = new ImageClient({ endpoint: await serveData({}, short) });
  const stream = await unverified.downloadData(record('a'), { verify: false });
  await assert.rejects(collect(stream), VerificationError);
  await assert.rejects(unverified.downloadData('a', { verify: hashers }), { trouble: 'unverifiable' });
  const queued = await serveData({}, (_, response) => void response.writeHead(204).end());
  await assert.rejects(
    new ImageClient({ endpoint: queued }).downloadData('a', { verify: false }),
    NoDataError,
  );
});

test('downloads a range, and says so when the server gives all', async () => {
  const endpoint = await serveData({}, (request, response) => {
    if (request.headers.range === 'bytes=990000-') return void response.end(data);
    assert.equal(request.headers.range, 'bytes=5-14');
    response.writeHead(206, { 'Content-Length': 10, 'Content-Range': `bytes 5-14/${data.length}` });
    response.end(data.subarray(5, 15));
  });
  const client = new ImageClient({ endpoint });
  const part = await client.downloadData('a', { range: { start: 5, end: 14 } });
  assert.equal(String(await collect(part)), '5678901234');
  await assert.rejects(client.downloadData('a', { range: { start: 990_000 } }), ProtocolError);
});

test('a download that nobody reads on is given up', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const endpoint = await serveData({}, (_, response) => {
    response.writeHead(200, { 'Content-Length': data.length }).write(data.subarray(0, 100_000));
    response.on('close', () => resolve());
  });
  const stream = await new ImageClient({ endpoint }).downloadData('a', { verify: false });
  const reader = stream.getReader();
  await reader.read();
  await reader.cancel();
  await promise;
});

test('connection trouble keeps what caused it', async () => {
  const endpoint = await listen((request) => void request.socket.destroy());
  await assert.rejects(new ImageClient({ endpoint }).getImage('a'), (error) => {
    assert.ok(error instanceof ConnectionError && error.cause instanceof Error);
    assert.equal(error.trouble, 'cut');
    return true;
  });
});
