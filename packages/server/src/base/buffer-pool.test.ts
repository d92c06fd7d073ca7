/** The pool keeps to its budget and never hands one buffer to two takers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BufferPool, Pace } from './buffer-pool.ts';

function poolOf(sizes: { large: number; small: number; budget: number }) {
  return new BufferPool({ make: Buffer.alloc, keptSmall: 128, ...sizes });
}

test('large buffers become small ones when the budget is used up', () => {
  const pool = poolOf({ large: 1024, small: 64, budget: 2048 });
  const taken = [pool.take(true), pool.take(true), pool.take(true), pool.take(false)];
  assert.deepEqual(
    taken.map(({ length }) => length),
    [1024, 1024, 64, 64],
  );
  assert.equal(pool.largeBytesOut, 2048);
  pool.giveBack(taken[0]!);
  assert.equal(pool.take(true).length, 1024);
});

test('a buffer that was given back is taken again, by one taker', () => {
  const pool = poolOf({ large: 1024, small: 64, budget: 4096 });
  for (const large of [true, false]) {
    const first = pool.take(large);
    pool.giveBack(first);
    assert.equal(pool.take(large), first);
    assert.notEqual(pool.take(large), first);
  }
});

test('a buffer that was dropped is nobody’s, and frees its share of the budget', () => {
  const pool = poolOf({ large: 1024, small: 64, budget: 1024 });
  const first = pool.take(true);
  pool.drop(first);
  const second = pool.take(true);
  assert.equal(second.length, 1024);
  assert.notEqual(second, first);
});

test('a stream is fast from 16 MiB/s on, judged over half a MiB', () => {
  const pace = new Pace();
  pace.add(65_536, 0);
  assert.equal(pace.fast, false);
  pace.add(7 * 65_536, 31);
  assert.equal(pace.fast, true);
  pace.add(100_000, 10_000);
  assert.equal(pace.fast, true);
  pace.add(500_000, 0);
  assert.equal(pace.fast, false);
});
