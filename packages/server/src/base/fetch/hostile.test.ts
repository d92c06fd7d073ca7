/** Sources that stand still, talk nonsense or never end, and consumers that leave: all bounded, nothing left open. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { collect, loopbackRules } from '../../../../../test/support/web-source.ts';
import { Failure } from '../failure.ts';
import { Fetcher, type FetchLimits } from './fetcher.ts';

const open = { cap: Number.POSITIVE_INFINITY };
const head = 'HTTP/1.1 200 OK\r\nETag: "1"\r\n';

let server: Server;
let url: string;
let connections: Socket[] = [];
/** What is said to the one who connects, once they have asked. */
let say: (socket: Socket) => void = () => undefined;

before(async () => {
  server = createServer((socket) => {
    connections.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => say(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
after(() => server.close());
beforeEach(() => {
  connections = [];
});

function fetcher(limits: Partial<FetchLimits> = {}): Fetcher {
  return new Fetcher(loopbackRules, { resumeDelayMs: 1, ...limits });
}

/** Resolves when the other side has closed every connection. */
async function allClosed(): Promise<void> {
  for (const socket of connections) {
    socket.resume();
    if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve));
  }
}

describe('a source is source_stalled', () => {
  test('when it never answers', async () => {
    say = () => undefined;
    await assert.rejects(fetcher({ answerMs: 20 }).open(url, open), {
      code: 'source_stalled',
      message: /did not answer for 0\.02 seconds/,
    });
    await allClosed();
  });

  test('when it never ends its headers, however many come', async () => {
    let timer: NodeJS.Timeout;
    say = (socket) => {
      socket.write('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n');
      timer = setInterval(() => socket.write('X-More: 1\r\n'), 5);
      socket.on('close', () => clearInterval(timer));
    };
    await assert.rejects(fetcher({ answerMs: 50 }).open(url, open), { code: 'source_stalled' });
    await allClosed();
  });

  test('when its data stands still', async () => {
    say = (socket) => socket.write(`${head}Content-Length: 10\r\n\r\n01234`);
    const { body } = await fetcher({ stallMs: 20 }).open(url, open);
    await assert.rejects(collect(body), { code: 'source_stalled', message: /stood still for 0\.02 seconds/ });
    await allClosed();
  });

  test('when its data drips', async () => {
    say = (socket) => {
      socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
      const timer = setInterval(() => socket.write('1\r\nx\r\n'), 1);
      socket.on('close', () => clearInterval(timer));
    };
    const { body } = await fetcher({ stallMs: 100, leastBytes: 1_000_000 }).open(url, open);
    await assert.rejects(collect(body), { code: 'source_stalled' });
    await allClosed();
  });

  test('when the handshake of TLS never ends', async () => {
    say = () => undefined;
    const opening = fetcher({ connectMs: 20 }).open(url.replace('http:', 'https:'), open);
    await assert.rejects(opening, { code: 'source_unreachable', message: /too long/ });
    await allClosed();
  });
});

describe('nonsense', () => {
  const said: readonly (readonly [string, string])[] = [
    ['220 ftp.example ESMTP\r\n', 'source_unavailable'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx', 'source_unavailable'],
    ['HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n', 'source_unavailable'],
    [`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, 'source_unavailable'],
    [
      'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\n56789',
      'source_refused',
    ],
    ['', 'source_unreachable'],
    ['HTTP/1.1 200 OK\r\n', 'source_unreachable'],
  ];
  for (const [text, code] of said) {
    test(`${JSON.stringify(text.slice(0, 60))} is ${code}`, async () => {
      say = (socket) => socket.end(text);
      await assert.rejects(fetcher().open(url, open), { name: 'Failure', code });
      await allClosed();
    });
  }

  test('in the middle of chunks is source_cut', async () => {
    say = (socket) =>
      socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\nnonsense');
    const { body } = await fetcher().open(url, open);
    await assert.rejects(collect(body), { code: 'source_cut', message: /after 5 bytes/ });
  });

  test('after the data announced is not data', async () => {
    say = (socket) => socket.end(`${head}Content-Length: 5\r\n\r\n01234and more`);
    const { body } = await fetcher().open(url, open);
    assert.equal(String(await collect(body)), '01234');
    await allClosed();
  });
});

describe('an abort', () => {
  const reason = new Failure('image_deleted', 'The image was deleted meanwhile.');
  const isReason = (error: unknown) => error === reason;

  test('before everything ends it', async () => {
    const opening = fetcher().open(url, { ...open, signal: AbortSignal.abort(reason) });
    await assert.rejects(opening, isReason);
    await allClosed();
  });

  test('while a name is being resolved ends it', async () => {
    const controller = new AbortController();
    const resolve = () => {
      controller.abort(reason);
      return new Promise<never>(() => undefined);
    };
    const opening = new Fetcher(loopbackRules, {}, resolve).open('http://image.example/', {
      ...open,
      signal: controller.signal,
    });
    await assert.rejects(opening, isReason);
  });

  test('while an answer is being waited for ends it', async () => {
    const controller = new AbortController();
    say = () => controller.abort(reason);
    await assert.rejects(fetcher().open(url, { ...open, signal: controller.signal }), isReason);
    await allClosed();
  });

  test('while data is being waited for ends it', async () => {
    const controller = new AbortController();
    say = (socket) => socket.write(`${head}Content-Length: 10\r\n\r\n01234`);
    const { body } = await fetcher().open(url, { ...open, signal: controller.signal });
    assert.equal((await body.next()).value?.length, 5);
    const next = body.next();
    controller.abort(reason);
    await assert.rejects(next, isReason);
    await allClosed();
  });

  test('while nobody reads closes the connection', async () => {
    const controller = new AbortController();
    say = (socket) => socket.write(`${head}Content-Length: 10\r\n\r\n01234`);
    const { body } = await fetcher().open(url, { ...open, signal: controller.signal });
    controller.abort(reason);
    await allClosed();
    await assert.rejects(body.next(), isReason);
  });

  test('while a cut source is about to be come back to ends it', async () => {
    const controller = new AbortController();
    say = (socket) => socket.end(`${head}Content-Length: 10\r\n\r\n01234`);
    const { body } = await fetcher({ resumeDelayMs: 60_000 }).open(url, {
      ...open,
      signal: controller.signal,
    });
    await body.next();
    const next = body.next();
    await allClosed();
    controller.abort(reason);
    await assert.rejects(next, isReason);
    assert.equal(connections.length, 1);
  });
});

describe('a consumer', () => {
  test('that leaves early, throws or never begins leaves no connection', async () => {
    say = (socket) => socket.write(`${head}Content-Length: 10\r\n\r\n01234`);
    for await (const chunk of (await fetcher().open(url, open)).body) if (chunk.length > 0) break;
    const consume = async () => {
      for await (const chunk of (await fetcher().open(url, open)).body) throw new Error(`${chunk.length}`);
    };
    await assert.rejects(consume(), { message: '5' });
    const unread = (await fetcher().open(url, open)).body;
    await unread.return?.();
    assert.deepEqual(await unread.next(), { value: undefined, done: true });
    assert.equal(connections.length, 3);
    await allClosed();
  });

  test('that leaves while it waits is let go at once', async () => {
    say = (socket) => socket.write(`${head}Content-Length: 10\r\n\r\n01234`);
    const { body } = await fetcher().open(url, open);
    await body.next();
    const ends = await Promise.all([body.next(), body.return?.()]);
    assert.deepEqual(ends[0], { value: undefined, done: true });
    await allClosed();
  });

  test('that does not ask holds the source back', async () => {
    let accepted = 0;
    const block = Buffer.alloc(64 * 1024);
    say = (socket) => {
      socket.write(`${head}Content-Length: ${1024 * 1024 * 1024}\r\n\r\n`);
      const more = () => {
        accepted += block.length;
        if (!socket.destroyed) socket.write(block, more);
      };
      more();
    };
    const { body } = await fetcher().open(url, open);
    await body.next();
    let still = 0;
    for (let before = accepted; still < 200; before = accepted) {
      await new Promise((resolve) => setImmediate(resolve));
      still = accepted === before ? still + 1 : 0;
    }
    assert.ok(accepted < 64 * 1024 * 1024, `${accepted} bytes were taken in`);
    await body.return?.();
    await allClosed();
  });
});
