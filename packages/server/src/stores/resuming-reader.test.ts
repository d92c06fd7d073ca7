/** Reading goes on at its byte after cuts and silence, gives up in the end, and never holds up who leaves. */
import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { Failure } from '../base/failure.ts';
import { collect, slice } from './contract/bytes.ts';
import { ResumingReader } from './resuming-reader.ts';

const size = 300_000;
const all = slice(1, 0, size);
const rules = { stallMs: 60_000, resumes: 3, resumeBytes: 1000, delayMs: 1 };

/** Bytes from `first` on, of which after `length` the connection is cut. */
function cut(first: number, length: number): Readable {
  return Readable.from(
    (async function* () {
      yield Buffer.from(all.subarray(first, first + length));
      throw new Error('the connection was cut');
    })(),
  );
}

const rest = (first: number) => Readable.from([Buffer.from(all.subarray(first))]);

function reader(body: Readable, again: (position: number) => Promise<Readable>, more: object = {}) {
  const told = (error: unknown) => new Failure('store_unavailable', 'It is away.', { cause: error });
  return new ResumingReader({ ...rules, ...more }, { body, first: 0, end: size, again, told });
}

test('after each cut the rest is asked for, from the byte reached', async () => {
  const asked: number[] = [];
  const again = async (position: number) => {
    asked.push(position);
    return cut(position, 50_000);
  };
  assert.ok((await collect(reader(cut(0, 50_000), again))).equals(all));
  assert.deepEqual(asked, [50_000, 100_000, 150_000, 200_000, 250_000]);
});

test('an answer that ends too early is no end, and one that is too long is cut', async () => {
  const early = Readable.from([Buffer.from(all.subarray(0, 1000))]);
  const long = async () => Readable.from([Buffer.from(all.subarray(1000)), Buffer.from('more')]);
  assert.ok((await collect(reader(early, long))).equals(all));
});

test('a body that falls silent is given up', async () => {
  const silent = new PassThrough();
  silent.write(Buffer.from(all.subarray(0, 1000)));
  const got = await collect(reader(silent, async (position) => rest(position), { stallMs: 50 }));
  assert.ok(got.equals(all));
  assert.ok(silent.destroyed);
});

describe('it is told', () => {
  test('when nothing comes of asking again and again', async () => {
    let asked = 0;
    const again = async () => {
      asked += 1;
      throw new Error('refused');
    };
    await assert.rejects(collect(reader(cut(0, 10), again)), { code: 'store_unavailable' });
    assert.equal(asked, 3);
  });

  test('when each answer gives next to nothing', async () => {
    let asked = 0;
    const again = async (position: number) => {
      asked += 1;
      return cut(position, 10);
    };
    await assert.rejects(collect(reader(cut(0, 10), again)), { code: 'store_unavailable' });
    assert.equal(asked, 3);
  });

  test('at once when the object is another now', async () => {
    let asked = 0;
    const again = async () => {
      asked += 1;
      throw new Failure('not_found', 'It is gone.');
    };
    await assert.rejects(collect(reader(cut(0, 10), again)), { code: 'store_unavailable' });
    assert.equal(asked, 1);
  });
});

describe('who leaves', () => {
  test('while nothing comes does not wait', async () => {
    const silent = new PassThrough();
    const reading = reader(silent, async () => assert.fail('asked again'));
    const next = reading.next();
    await reading.return();
    assert.deepEqual(await next, { value: undefined, done: true });
    assert.ok(silent.destroyed);
  });

  test('while the rest is asked for does not wait, and closes what comes then', async () => {
    const late = rest(10);
    const { promise, resolve } = Promise.withResolvers<Readable>();
    const asked = Promise.withResolvers<void>();
    const again = () => {
      asked.resolve();
      return promise;
    };
    const reading = reader(cut(0, 10), again);
    await reading.next();
    const next = reading.next();
    await asked.promise;
    await reading.return();
    resolve(late);
    assert.deepEqual(await next, { value: undefined, done: true });
    assert.ok(late.destroyed);
  });

  test('keeps its last chunk', async () => {
    const reading = reader(rest(0), async () => assert.fail('asked again'));
    const { value } = await reading.next();
    await reading.return();
    assert.ok(Buffer.from(value!).equals(all));
    assert.deepEqual(await reading.next(), { value: undefined, done: true });
  });
});
