/** The pool keeps to its budget and never hands one buffer to two takers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BufferPool } from './buffer-pool.ts';

test('large buffers become small ones when the budget is used up', () => {
  const pool = new BufferPool({ large: 1024, small: 64, budget: 2048 });
  const taken = [pool.takeLarge(), pool.takeLarge(), pool.takeLarge()];
  assert.deepEqual(
    taken.map(({ length }) => length),
    [1024, 1024, 64],
  );
  assert.equal(pool.largeBytesOut, 2048);
  pool.giveBack(taken[0]!);
  assert.equal(pool.takeLarge().length, 1024);
});

test('a buffer that was given back is taken again, by one taker', () => {
  const pool = new BufferPool({ large: 1024, small: 64, budget: 4096 });
  for (const take of [() => pool.takeLarge(), () => pool.takeSmall()]) {
    const first = take();
    pool.giveBack(first);
    assert.equal(take(), first);
    assert.notEqual(take(), first);
  }
});
