/** Memory that came back is taken again by one taker, within a bound, and kept for some time only. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
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

test('nothing is kept for long after the last stream', async () => {
  const memory = new PartMemory(50);
  memory.giveBack(memory.take(mebi));
  assert.equal(memory.keptBytes, mebi);
  await delay(200);
  assert.equal(memory.keptBytes, 0);
  memory.giveBack(memory.take(mebi));
  assert.equal(memory.keptBytes, mebi);
  await delay(200);
  assert.equal(memory.keptBytes, 0);
});
