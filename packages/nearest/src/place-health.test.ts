/** Places are known by how they served of late: the slow come later, the failing rest, and both are forgiven. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PlaceHealth } from './index.ts';

const mebi = 1024 * 1024;

function health(): { health: PlaceHealth; pass(ms: number): void } {
  let now = 1_000;
  return {
    health: new PlaceHealth(() => now),
    pass(ms) {
      now += ms;
    },
  };
}

test('what a place is expected to take follows what it took, the newest most', () => {
  const { health: one } = health();
  assert.equal(one.expectedMs('disk', mebi), 0);
  one.served('disk', { firstMs: 10, restMs: 100, restBytes: mebi });
  assert.equal(one.expectedMs('disk', 2 * mebi), 210);
  one.served('disk', { firstMs: 20, restMs: 100, restBytes: mebi });
  assert.equal(one.expectedMs('disk', 0), 13);
  assert.equal(one.expectedMs('other', mebi), 0);
});

test('a short reading tells of the first bytes only', () => {
  const { health: one } = health();
  one.served('disk', { firstMs: 10, restMs: 5_000, restBytes: 100 });
  assert.equal(one.expectedMs('disk', mebi), 10);
  one.served('disk', { firstMs: 10, restMs: 100, restBytes: mebi });
  assert.equal(one.expectedMs('disk', mebi), 110);
});

test('what was seen long ago is forgotten', () => {
  const { health: one, pass } = health();
  one.served('disk', { firstMs: 10, restMs: 0, restBytes: 0 });
  pass(599_000);
  assert.equal(one.expectedMs('disk', 1), 10);
  pass(2_000);
  assert.equal(one.expectedMs('disk', 1), 0);
});

test('a store that failed three times in a row rests, then one reader tries it, each time later', () => {
  const { health: one, pass } = health();
  one.failed('disk');
  one.failed('disk');
  assert.ok(one.admits('disk'));
  one.failed('disk');
  assert.ok(one.isResting('disk'));
  assert.equal(one.admits('disk'), false);
  pass(1_001);
  assert.ok(one.admits('disk'), 'one reader');
  assert.equal(one.admits('disk'), false, 'no second one');
  one.failed('disk');
  pass(1_001);
  assert.equal(one.admits('disk'), false, 'it rests longer');
  pass(60_000);
  assert.ok(one.admits('disk'));
  one.served('disk', { firstMs: 1, restMs: 0, restBytes: 0 });
  assert.ok(one.admits('disk') && one.admits('disk'), 'all is well');
});

test('a failure between successes is no reason to rest', () => {
  const { health: one } = health();
  for (let count = 0; count < 10; count += 1) {
    one.failed('disk');
    one.failed('disk');
    one.served('disk', { firstMs: 1, restMs: 0, restBytes: 0 });
  }
  assert.ok(one.admits('disk'));
});
