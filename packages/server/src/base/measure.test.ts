/** One pass counts, caps, hashes and lets an observer end it, in this order of who speaks first. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { Failure } from './failure.ts';
import { Measure, type MeasureOptions } from './measure.ts';

const lenient = { cap: 1000, expectedSize: null, hashAlgorithm: 'sha512', md5: true };

async function* chunks(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

/** The bytes that came through, and the measure. */
async function pass(options: Partial<MeasureOptions>, ...parts: string[]) {
  const measure = new Measure({ ...lenient, ...options });
  let through = '';
  for await (const chunk of measure.through(chunks(...parts))) through += Buffer.from(chunk).toString();
  return { through, measured: measure.result() };
}

function hex(algorithm: string, data: string): string {
  return createHash(algorithm).update(data).digest('hex');
}

test('bytes pass unchanged, counted and hashed', async () => {
  const { through, measured } = await pass({}, 'ab', '', 'c');
  assert.equal(through, 'abc');
  const expected = {
    size: 3,
    checksum: hex('md5', 'abc'),
    hashAlgorithm: 'sha512',
    hashValue: hex('sha512', 'abc'),
  };
  assert.deepEqual(measured, expected);
});

test('chunks are passed on one by one when somebody waits for them', async () => {
  const sent: string[] = [];
  const taken: string[] = [];
  async function* source(): AsyncGenerator<Uint8Array> {
    for (const part of ['ab', 'c']) {
      assert.deepEqual(taken, sent, 'all that came before was passed on');
      sent.push(part);
      yield Buffer.from(part);
    }
  }
  const measure = new Measure({ ...lenient, asTheyCome: true });
  for await (const chunk of measure.through(source())) taken.push(Buffer.from(chunk).toString());
  assert.deepEqual(taken, ['ab', 'c']);
  assert.equal(measure.result().hashValue, hex('sha512', 'abc'));
});

test('nothing at all is measured too', async () => {
  const { measured } = await pass({});
  assert.equal(measured.size, 0);
  assert.equal(measured.checksum, 'd41d8cd98f00b204e9800998ecf8427e');
});

test('md5 only when it is asked for, or the main algorithm', async () => {
  assert.equal((await pass({ md5: false }, 'abc')).measured.checksum, null);
  const both = (await pass({ hashAlgorithm: 'md5' }, 'abc')).measured;
  assert.equal(both.checksum, both.hashValue);
});

test('the result cannot be read before the end', () => {
  assert.throws(() => new Measure(lenient).result(), { code: 'internal' });
});

describe('a size', () => {
  test('at the cap passes, one byte above fails before it is passed on', async () => {
    assert.equal((await pass({ cap: 3 }, 'ab', 'c')).measured.size, 3);
    const full = 'a'.repeat(3 * 1024 * 1024);
    const measure = new Measure({ ...lenient, cap: full.length });
    let through = '';
    const run = async () => {
      for await (const chunk of measure.through(chunks(full, 'd', 'e'))) through += Buffer.from(chunk);
    };
    await assert.rejects(run, { code: 'size_cap' });
    assert.ok(through.length > 0 && full.startsWith(through));
  });

  test('other than announced fails: more at once, less at the end', async () => {
    assert.equal((await pass({ expectedSize: 3 }, 'abc')).measured.size, 3);
    await assert.rejects(pass({ expectedSize: 2 }, 'abc'), {
      code: 'size_mismatch',
      message: /the 2 announced/,
    });
    await assert.rejects(pass({ expectedSize: 4 }, 'abc'), {
      code: 'size_mismatch',
      message: /4 .*, 3 arrived/,
    });
    await assert.rejects(pass({ expectedSize: 1 }), { code: 'size_mismatch' });
  });
});

describe('expected digests', () => {
  test('that agree pass, in any case of letters and for any algorithm', async () => {
    const expectedDigests = { md5: hex('md5', 'abc').toUpperCase(), sha256: hex('sha256', 'abc') };
    assert.equal((await pass({ expectedDigests, md5: false }, 'abc')).measured.checksum, null);
  });

  test('that differ fail at the end', async () => {
    const expectedDigests = { sha512: hex('sha512', 'abd') };
    await assert.rejects(pass({ expectedDigests }, 'abc'), {
      code: 'digest_mismatch',
      message: /^The sha512/,
    });
  });
});

describe('an observer', () => {
  test('sees every chunk, and the end before the pass ends', async () => {
    const seen: string[] = [];
    const observe = {
      update: (chunk: Uint8Array) => seen.push(Buffer.from(chunk).toString()),
      finish: () => seen.push('end'),
    };
    await pass({ observe }, 'ab', 'c');
    assert.deepEqual(seen, ['ab', 'c', 'end']);
  });

  test('that throws ends the pass and closes the source', async () => {
    let closed = false;
    const source = async function* () {
      try {
        yield Buffer.from('ab');
        yield Buffer.from('c');
      } finally {
        closed = true;
      }
    };
    const observe = {
      update: () => {
        throw new Failure('unsafe_image', 'It names a backing file.');
      },
    };
    const measure = new Measure({ ...lenient, observe });
    await assert.rejects(measure.through(source()).next(), { code: 'unsafe_image' });
    assert.ok(closed);
  });

  test('may refuse at the end what is otherwise whole', async () => {
    const observe = {
      update: () => undefined,
      finish: () => {
        throw new Failure('format_mismatch', 'It is something else.');
      },
    };
    await assert.rejects(pass({ observe }, 'abc'), { code: 'format_mismatch' });
  });
});
