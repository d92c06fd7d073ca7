/** A request body comes chunk by chunk; every way in which it can end early is told. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { Failure } from './failure.ts';
import { requestChunks } from './request-chunks.ts';

const patient = { idleMs: 60_000 };

async function collect(chunks: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += chunk.toString('latin1');
  return text;
}

describe('a body sent over HTTP', () => {
  let server: Server;
  let handle: (request: IncomingMessage) => Promise<string>;
  before(async () => {
    server = createServer((request, response) => {
      handle(request).then(
        (text) => response.end(text),
        (error: Failure) => response.end(error.code),
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  function open(): Socket {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write('PUT / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 10\r\n\r\n');
    return socket;
  }

  /** What the handler's promise does, once `act` has acted on the connection. */
  function outcome(
    options: Parameters<typeof requestChunks>[1],
    act: (socket: Socket) => void,
  ): Promise<string> {
    return new Promise((resolve, reject) => {
      handle = (request) => {
        const read = collect(requestChunks(request, options));
        read.then(resolve, reject);
        act(socket);
        return read;
      };
      const socket = open();
      socket.on('error', () => undefined);
    });
  }

  test('arrives whole', async () => {
    const text = await outcome(patient, (socket) => {
      socket.write('01234');
      setImmediate(() => socket.write('56789'));
    });
    assert.equal(text, '0123456789');
  });

  test('that ends with its connection is upload_cut', async () => {
    const cut = outcome(patient, (socket) => {
      socket.write('01234', () => socket.resetAndDestroy());
    });
    await assert.rejects(cut, { name: 'Failure', code: 'upload_cut' });
  });

  test('that the sender closes early is upload_cut', async () => {
    const cut = outcome(patient, (socket) => socket.end('01234'));
    await assert.rejects(cut, { name: 'Failure', code: 'upload_cut' });
  });

  test('that falls silent is upload_stalled', async () => {
    const stalled = outcome({ idleMs: 30 }, (socket) => socket.write('01234'));
    await assert.rejects(stalled, { name: 'Failure', code: 'upload_stalled', message: /0\.03 seconds/ });
  });

  test('is given up for the reason of an abort', async () => {
    const controller = new AbortController();
    const reason = new Failure('image_deleted', 'The image was deleted meanwhile.');
    const aborted = outcome({ ...patient, signal: controller.signal }, () => controller.abort(reason));
    await assert.rejects(aborted, (error) => error === reason);
  });

  test('that nobody wants any more can be drained, and the answer still arrives', async () => {
    handle = async (request) => {
      for await (const chunk of requestChunks(request, patient)) {
        assert.ok(chunk.length > 0);
        break;
      }
      request.resume();
      await once(request, 'end');
      return 'drained';
    };
    const socket = open();
    socket.write('01234');
    setImmediate(() => socket.write('56789'));
    let answer = '';
    for await (const data of socket) answer += data;
    assert.match(answer, /drained/);
  });
});

test('a chunk from HTTP is freed when the next is asked for, and is whole until then', async () => {
  const lengths: number[][] = [];
  const server = createServer(async (request, response) => {
    let last: Buffer | null = null;
    let text = '';
    for await (const chunk of requestChunks(request, patient)) {
      if (last !== null) lengths.push([last.length, chunk.length]);
      text += chunk.toString('latin1');
      last = chunk;
    }
    response.end(String(text.length));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const answer = await fetch(url, { method: 'PUT', body: Buffer.alloc(4 * 1024 * 1024, 'x') });
  assert.equal(await answer.text(), String(4 * 1024 * 1024));
  server.closeAllConnections();
  server.close();
  assert.ok(lengths.length > 1);
  for (const [last, current] of lengths) assert.ok(last! < 4096 && current! > 0);
});

describe('a stream', () => {
  test('is held back while nobody asks', async () => {
    const stream = new PassThrough();
    const iterator = requestChunks(stream, patient)[Symbol.asyncIterator]();
    let accepted = 0;
    while (stream.write(Buffer.alloc(16_384))) accepted += 1;
    await iterator.next();
    for (let turn = 0; turn < 100; turn += 1) {
      while (accepted < 1000 && stream.write(Buffer.alloc(16_384))) accepted += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(accepted < 64, `${accepted} chunks of 16 KiB were taken in`);
    await iterator.return?.();
    stream.destroy();
  });

  test('that waits longer than the idle limit for its consumer has not stalled', async () => {
    const stream = new PassThrough();
    const iterator = requestChunks(stream, { idleMs: 20 })[Symbol.asyncIterator]();
    const first = iterator.next();
    stream.write('a');
    assert.equal(String((await first).value), 'a');
    const resting = performance.now() + 60;
    while (performance.now() < resting) await new Promise((resolve) => setImmediate(resolve));
    const second = iterator.next();
    stream.end('b');
    assert.equal(String((await second).value), 'b');
    assert.equal((await iterator.next()).done, true);
  });

  test('that ended or broke before is told so', async () => {
    const ended = new PassThrough();
    ended.end();
    ended.resume();
    await once(ended, 'end');
    assert.equal(await collect(requestChunks(ended, patient)), '');
    const broken = new PassThrough();
    broken.destroy();
    await assert.rejects(collect(requestChunks(broken, patient)), { code: 'upload_cut' });
    const aborted = requestChunks(new PassThrough(), {
      ...patient,
      signal: AbortSignal.abort(new Error('enough')),
    });
    await assert.rejects(collect(aborted), { message: 'enough' });
  });

  test('keeps no listener after it was left, and a later reset is no uncaught error', async () => {
    const stream = new PassThrough();
    const count = () => ['data', 'end', 'close'].map((event) => stream.listenerCount(event));
    const before = count();
    stream.write('a');
    for await (const chunk of requestChunks(stream, patient)) if (chunk.length > 0) break;
    assert.deepEqual(count(), before);
    stream.destroy(new Error('a reset afterwards'));
    await new Promise((resolve) => stream.on('close', resolve));
  });
});
