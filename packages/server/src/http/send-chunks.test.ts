/** A download is exactly as long as announced, or its connection ends. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { Writable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import Fastify, { type FastifyInstance } from 'fastify';
import { createLog } from '../base/log.ts';
import { EventFigures } from '../events/figures.ts';
import { createMetrics } from './metrics.ts';
import { sendChunks } from './send-chunks.ts';

const lines: string[] = [];
const sink = new Writable({
  write(line, _encoding, done) {
    lines.push(String(line));
    done();
  },
});
const parts = {
  log: createLog('error', sink),
  metrics: createMetrics({
    uploadsInProgress: () => 0,
    databasePool: () => ({ total: 0, idle: 0, waiting: 0 }),
    flows: { open: async () => [], figures: () => null },
    upkeep: () => new Map(),
    cache: null,
    stores: () => [],
    events: {
      position: () => 0,
      listeners: () => 0,
      waiting: async () => new Map(),
      figures: new EventFigures(),
    },
  }),
};

let server: FastifyInstance;
let url: string;
let stored: string[] = [];
let closed = false;

/** Like what stores give: open from the beginning, also when nothing is ever read. */
function source(): AsyncIterableIterator<Uint8Array, undefined> {
  const left = stored.map((chunk) => Buffer.from(chunk));
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const value = left.shift();
      return value === undefined ? this.return!() : { value, done: false };
    },
    async return() {
      closed = true;
      return { value: undefined, done: true };
    },
  };
}

before(async () => {
  server = Fastify();
  server.get('/', async (_request, reply) => {
    await sendChunks(reply, 200, { 'Content-Length': 6 }, source(), parts);
    return reply;
  });
  server.get('/unspeakable', async (_request, reply) => {
    const headers = { 'Content-Length': 6, 'X-Broken': 'line\nbreak' };
    await sendChunks(reply, 200, headers, source(), parts);
    return reply;
  });
  url = await server.listen({ host: '127.0.0.1', port: 0 });
});
after(() => server.close());

describe('data of six bytes', () => {
  test('arrives', async () => {
    stored = ['abc', '', 'def'];
    assert.equal(await (await fetch(url)).text(), 'abcdef');
    assert.deepEqual(lines, []);
  });

  for (const [title, chunks, message] of [
    ['is cut when there are more', ['abc', 'defx'], /more bytes than are recorded/],
    ['is cut when there are fewer', ['abc', 'de'], /1 bytes less than are recorded/],
  ] as const) {
    test(title, async () => {
      [stored, closed] = [[...chunks], false];
      lines.length = 0;
      const answer = await fetch(url);
      await assert.rejects(answer.text(), { name: 'TypeError' });
      assert.match(lines.join(''), message);
      assert.ok(closed, 'the store is still being read');
    });
  }

  test('is not followed by what comes after it', async () => {
    [stored, closed] = [['abc', 'def', 'HTTP/1.1 200 OK\r\n'], false];
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    let answer = '';
    for await (const data of socket) answer += data;
    assert.match(answer, /\r\n\r\nabcdef$/);
    assert.ok(closed, 'the store is still being read');
  });

  test('is closed when not even its headers can be sent', async () => {
    [stored, closed] = [['abc', 'def'], false];
    lines.length = 0;
    await assert.rejects(fetch(`${url}/unspeakable`), { name: 'TypeError' });
    assert.match(lines.join(''), /Invalid character in header/);
    assert.ok(closed, 'the store is still being read');
  });
});
