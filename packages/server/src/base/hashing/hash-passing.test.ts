/** Bytes that are hashed while they pass: unchanged, whatever the chunks are, by several streams at once, fast and slow, and left at any point. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { hashPassing } from './hash-passing.ts';
import { beginHashes } from './threads.ts';

const mebi = 1024 * 1024;
const algorithms = ['md5', 'sha512'];

async function* cut(bytes: Buffer, length: number): AsyncGenerator<Uint8Array> {
  // One memory for all chunks, as sources may do.
  const chunk = Buffer.alloc(length);
  for (let at = 0; at < bytes.length; at += length) {
    const end = Math.min(at + length, bytes.length);
    bytes.copy(chunk, 0, at, end);
    yield chunk.subarray(0, end - at);
    chunk.fill(0);
  }
}

/** What came through, and the digests. */
async function pass(source: AsyncIterable<Uint8Array>, look: (chunk: Uint8Array) => void = () => {}) {
  const hashing = hashPassing(source, algorithms, look);
  const parts: Buffer[] = [];
  for (;;) {
    const step = await hashing.next();
    if (step.done) return { bytes: Buffer.concat(parts), digests: step.value };
    parts.push(Buffer.from(step.value));
  }
}

function expected(bytes: Buffer): Map<string, string> {
  return new Map(algorithms.map((name) => [name, createHash(name).update(bytes).digest('hex')]));
}

describe('bytes that are hashed while they pass', () => {
  test('are what they were, with their digests, in chunks of any length', async () => {
    const bytes = randomBytes(19 * mebi + 77);
    for (const length of [64 * 1024, 100_003, 3 * mebi]) {
      const passed = await pass(cut(bytes, length));
      assert.ok(passed.bytes.equals(bytes));
      assert.deepEqual(passed.digests, expected(bytes));
    }
    for (const length of [0, 1, 2 * mebi, 2 * mebi + 1]) {
      const some = bytes.subarray(0, length);
      const passed = await pass(cut(some, 4096));
      assert.ok(passed.bytes.equals(some));
      assert.deepEqual(passed.digests, expected(some));
    }
  });

  test('of several streams are kept apart', async () => {
    const streams = Array.from({ length: 7 }, (_, index) => randomBytes(9 * mebi + index));
    const passed = await Promise.all(streams.map((bytes) => pass(cut(bytes, 65_536))));
    for (const [index, bytes] of streams.entries()) {
      assert.ok(passed[index]!.bytes.equals(bytes));
      assert.deepEqual(passed[index]!.digests, expected(bytes));
    }
  });

  test('are seen in the chunks that came, before anybody has them', async () => {
    const bytes = randomBytes(mebi);
    const seen: Buffer[] = [];
    await pass(cut(bytes, 1000), (chunk) => void seen.push(Buffer.from(chunk)));
    assert.equal(seen[0]!.length, 1000);
    assert.ok(Buffer.concat(seen).equals(bytes));
  });

  test('end with what the source or the onlooker throws, and the next stream is none the worse', async () => {
    const wrong = new Error('wrong');
    const bytes = randomBytes(5 * mebi);
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield* cut(bytes, 65_536);
      throw wrong;
    }
    await assert.rejects(pass(failing()), wrong);
    let left = 50;
    const look = () => {
      left -= 1;
      if (left === 0) throw wrong;
    };
    await assert.rejects(pass(cut(bytes, 65_536), look), wrong);
    assert.deepEqual((await pass(cut(bytes, 65_536))).digests, expected(bytes));
  });

  test('of a slow stream go on as they come, after what had been gathered', async () => {
    const bytes = randomBytes(3 * mebi);
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield* cut(bytes.subarray(0, 300_000), 100_000);
      await delay(120);
      yield* cut(bytes.subarray(300_000), 100_000);
    }
    const sizes: number[] = [];
    for await (const chunk of hashPassing(slow(), algorithms, () => {})) sizes.push(chunk.length);
    assert.ok(Math.max(...sizes) <= 300_000, 'no block was waited for');
    const { bytes: passed, digests } = await pass(slow());
    assert.ok(passed.equals(bytes));
    assert.deepEqual(digests, expected(bytes));
  });

  test('go on as they come while other streams have all the memory, and those end well', async () => {
    const bytes = randomBytes(3 * mebi);
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    async function* waiting(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, mebi / 2);
      await gate;
      yield bytes.subarray(mebi / 2);
    }
    const others = Array.from({ length: 20 }, () => pass(waiting()));
    const late = hashPassing(cut(bytes, 100_000), algorithms, () => {});
    const sizes: number[] = [];
    for await (const chunk of late) sizes.push(chunk.length);
    assert.equal(sizes[0], 100_000);
    open();
    for (const { bytes: passed, digests } of await Promise.all(others)) {
      assert.ok(passed.equals(bytes));
      assert.deepEqual(digests, expected(bytes));
    }
  });

  test('may be left early, which closes the source', async () => {
    const bytes = randomBytes(5 * mebi);
    let isClosed = false;
    async function* watched(): AsyncGenerator<Uint8Array> {
      try {
        yield* cut(bytes, 65_536);
      } finally {
        isClosed = true;
      }
    }
    for await (const block of hashPassing(watched(), algorithms, () => {})) {
      assert.ok(bytes.subarray(0, block.length).equals(block));
      break;
    }
    assert.ok(isClosed);
    assert.deepEqual((await pass(cut(bytes, 65_536))).digests, expected(bytes));
  });
});

test('a thread that fails says so to whoever waits for it, and another takes its place', async () => {
  const [hash] = beginHashes(['no such algorithm']);
  assert.ok(hash);
  await assert.rejects(hash.update(new Uint8Array(new SharedArrayBuffer(1))), /thread that hashes/);
  await assert.rejects(hash.finish(), /thread that hashes/);
  hash.forget();
  const bytes = randomBytes(mebi);
  assert.deepEqual((await pass(cut(bytes, 65_536))).digests, expected(bytes));
});
