/** Streams are cut into parts in order, several under way at once, in bounded memory, and end when one part fails. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { slice, stream } from './contract/bytes.ts';
import { type PartSink, sendInParts } from './parts.ts';
import { partBytes } from './s3/upload.ts';

const kibi = 1024;
const mebi = 1024 * kibi;

function sink(more: Partial<PartSink<Buffer>> = {}): PartSink<Buffer> {
  return {
    partBytes: () => 64 * kibi,
    atOnce: 4,
    begin: async () => {},
    send: async (_number, bytes) => Buffer.from(bytes),
    ...more,
  };
}

test('a stream that ends within the first part is given back whole, and nothing begins', async () => {
  const begin = async () => assert.fail('it began');
  for (const size of [0, 1, 64 * kibi - 1]) {
    const { whole, size: counted, sent } = await sendInParts(stream(1, size), undefined, sink({ begin }));
    assert.ok(whole?.equals(slice(1, 0, size)));
    assert.deepEqual([counted, sent], [size, []]);
  }
});

test('parts of any length make up the stream, in order, however they overtake each other', async () => {
  for (const [size, chunk] of [
    [64 * kibi, 1000],
    [300 * kibi + 1, 7777],
    [900 * kibi, 500 * kibi],
  ] as const) {
    const begun: number[] = [];
    const { whole, sent } = await sendInParts(
      stream(1, size, chunk),
      undefined,
      sink({
        partBytes: (number) => number * 32 * kibi,
        begin: async () => assert.equal(begun.length, 0),
        send: async (number, bytes) => {
          begun.push(number);
          await new Promise((resolve) => setTimeout(resolve, number % 2 === 0 ? 1 : 15));
          return Buffer.from(bytes);
        },
      }),
    );
    assert.equal(whole, null);
    assert.ok(Buffer.concat(sent).equals(slice(1, 0, size)));
    assert.deepEqual(
      begun,
      begun.toSorted((a, b) => a - b),
    );
  }
});

test('no more parts than wanted, and than fit into 64 MiB, are under way', async () => {
  for (const [bytes, most] of [
    [mebi, 4],
    [16 * mebi, 3],
    [32 * mebi, 1],
    [40 * mebi, 1],
  ] as const) {
    let underWay = 0;
    let seen = 0;
    const send = async () => {
      underWay += 1;
      seen = Math.max(seen, underWay);
      await new Promise((resolve) => setTimeout(resolve, 30));
      underWay -= 1;
      return Buffer.alloc(0);
    };
    const source = async function* () {
      const chunk = Buffer.alloc(bytes);
      for (let count = 0; count < 8; count += 1) yield chunk;
    };
    await sendInParts(source(), undefined, sink({ partBytes: () => bytes, send }));
    assert.equal(seen, most, `parts of ${bytes}`);
  }
});

test('parts are gathered while it begins, and none is sent before', async () => {
  const begun = Promise.withResolvers<void>();
  let isBegun = false;
  const source = async function* () {
    yield* stream(1, 200 * kibi);
    begun.resolve();
  };
  const begin = async () => {
    await begun.promise;
    isBegun = true;
  };
  const send = async (_number: number, bytes: Buffer) => {
    assert.ok(isBegun);
    return Buffer.from(bytes);
  };
  const { sent } = await sendInParts(source(), undefined, sink({ begin, send }));
  assert.ok(Buffer.concat(sent).equals(slice(1, 0, 200 * kibi)));
});

test('what cannot begin is told, even while the stream is silent, and nothing is sent', async () => {
  const broken = new Error('no room');
  const source = async function* () {
    yield* stream(1, 200 * kibi);
    await new Promise(() => {});
  };
  const begin = () => Promise.reject(broken);
  const send = async () => assert.fail('it was sent');
  await assert.rejects(sendInParts(source(), undefined, sink({ begin, send })), (error) => error === broken);
});

describe('a part that fails', () => {
  const broken = new Error('no room');

  test('ends the stream even while it is silent, and the other parts', async () => {
    const ended: number[] = [];
    const third = Promise.withResolvers<void>();
    const source = async function* () {
      yield* stream(1, 200 * kibi);
      await new Promise(() => {});
    };
    const send = async (number: number, _bytes: Buffer, signal: AbortSignal) => {
      if (number === 3) third.resolve();
      if (number === 2) {
        await third.promise;
        throw broken;
      }
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      ended.push(number);
      throw signal.reason;
    };
    await assert.rejects(sendInParts(source(), undefined, sink({ send })), (error) => error === broken);
    assert.deepEqual(ended.toSorted(), [1, 3]);
  });

  test('is told even when it is the last', async () => {
    const send = async (number: number) => {
      if (number === 3) throw broken;
      return Buffer.alloc(0);
    };
    await assert.rejects(
      sendInParts(stream(1, 140 * kibi), undefined, sink({ send })),
      (error) => error === broken,
    );
  });
});

test('parts of an s3 object grow, so that 10000 of them hold 260 GiB', () => {
  const sizes = { id: 's3', partSize: 8, maxParts: 10_000, partsAtOnce: 4 };
  const all = Array.from({ length: 10_000 }, (_, index) => partBytes(sizes, index + 1));
  assert.deepEqual(
    [all[0], all[1249], all[1250], all[2500], all[9999]],
    [8, 8, 16, 32, 32].map((n) => n * mebi),
  );
  assert.ok(all.reduce((sum, bytes) => sum + bytes, 0) > 260 * 1024 * mebi);
  assert.equal(partBytes({ ...sizes, partSize: 100 }, 9999), 100 * mebi);
});
