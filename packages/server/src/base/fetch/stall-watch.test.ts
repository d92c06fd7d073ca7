/** Only waiting counts, and only bytes end it. */
import assert from 'node:assert/strict';
import { beforeEach, describe, mock, test } from 'node:test';
import { StallWatch } from './stall-watch.ts';

const limits = { stallMs: 1000, leastBytes: 100 };

let now = 0;
let stalls = 0;
let watch: StallWatch;

function pass(ms: number): void {
  now += ms;
  mock.timers.tick(ms);
}

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
  stalls = 0;
  watch = new StallWatch(
    limits,
    () => {
      stalls += 1;
    },
    () => now,
  );
});

describe('a source', () => {
  test('that gives nothing for so long has stalled', () => {
    watch.wait();
    pass(999);
    assert.equal(stalls, 0);
    pass(1);
    assert.equal(stalls, 1);
  });

  test('that gives nothing any more has stalled', () => {
    watch.wait();
    pass(900);
    watch.arrived(1000);
    watch.wait();
    pass(999);
    assert.equal(stalls, 0);
    pass(1);
    assert.equal(stalls, 1);
  });

  test('that drips has stalled', () => {
    for (let round = 0; round < 10; round += 1) {
      assert.equal(stalls, 0);
      watch.wait();
      pass(100);
      watch.arrived(1);
    }
    assert.equal(stalls, 1);
  });

  test('that is slow has not', () => {
    for (let round = 0; round < 100; round += 1) {
      watch.wait();
      pass(100);
      watch.arrived(10);
    }
    assert.equal(stalls, 0);
  });

  test('whose consumer is slow has not', () => {
    for (let round = 0; round < 100; round += 1) {
      watch.wait();
      pass(1);
      watch.arrived(1);
      pass(60_000);
    }
    assert.equal(stalls, 0);
  });

  test('that ended is watched no longer', () => {
    watch.wait();
    watch.stop();
    pass(10_000);
    assert.equal(stalls, 0);
  });
});
