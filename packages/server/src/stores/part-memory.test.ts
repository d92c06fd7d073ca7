/** Memory that came back is taken again by one taker, within a bound, and kept for some time only. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PartMemory } from './part-memory.ts';

const mebi = 1024 * 1024;

test('what came back is taken again, by one taker, when it is of that length', () => {
  const memory = new PartMemory();
  const part = memory.take(8 * mebi);
  memory.giveBack(part);
  assert.notEqual(memory.take(16 * mebi), part);
  assert.equal(memory.take(8 * mebi), part);
  assert.notEqual(memory.take(8 * mebi), part);
});

test('as much is kept as one stream needs, and that came last', () => {
  const memory = new PartMemory();
  const parts = Array.from({ length: 5 }, () => memory.take(16 * mebi));
  for (const part of parts) memory.giveBack(part);
  assert.equal(memory.keptBytes, 64 * mebi);
  const taken = parts.map(() => memory.take(16 * mebi));
  assert.deepEqual(
    parts.map((part) => taken.includes(part)),
    [false, true, true, true, true],
  );
  memory.giveBack(Buffer.alloc(65 * mebi));
  assert.equal(memory.keptBytes, 0);
});

test('nothing is kept for long after the last stream', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const memory = new PartMemory(50);
  for (let turn = 0; turn < 2; turn += 1) {
    memory.giveBack(memory.take(mebi));
    t.mock.timers.tick(40);
    memory.giveBack(memory.take(mebi));
    t.mock.timers.tick(40);
    assert.equal(memory.keptBytes, mebi);
    t.mock.timers.tick(10);
    assert.equal(memory.keptBytes, 0);
  }
});
