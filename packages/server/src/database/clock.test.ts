/** The clock goes by that of the database, and what our own shows makes no difference once that is known. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { currentTime, readClock } from './clock.ts';

const hour = 3_600_000;

/** A database whose clock shows this. */
const showing = (time: number) => async () => ({ rows: [{ time }] });

/** Milliseconds by which the clock differs from `time`. */
const away = (time: number) => Math.abs(currentTime().getTime() - time);

test('until the database was asked it is our own time, and its time from then on', async () => {
  assert.ok(away(Date.now()) < 1000);
  const theirs = Date.now() + 5 * hour;
  await readClock(showing(theirs));
  assert.ok(away(theirs) < 1000);
});

test('what its clock jumps by, ours does, and not what lies within the time of an answer', async () => {
  const theirs = Date.now() - 7 * hour;
  await readClock(showing(theirs));
  assert.ok(away(theirs) < 1000);
  const before = currentTime();
  await readClock(async () => {
    const begun = performance.now();
    while (performance.now() - begun < 40);
    return { rows: [{ time: before.getTime() }] };
  });
  assert.ok(currentTime().getTime() - before.getTime() >= 39);
});

test('a jump of our own clock moves nothing', async (context) => {
  const theirs = Date.now();
  await readClock(showing(theirs));
  context.mock.method(Date, 'now', () => theirs + 9 * hour);
  assert.ok(away(theirs) < 1000);
});

test('without an answer it stays as it was', async () => {
  const theirs = Date.now() + 3 * hour;
  await readClock(showing(theirs));
  const lost = new Error('lost');
  await assert.rejects(
    readClock(() => Promise.reject(lost)),
    lost,
  );
  assert.ok(away(theirs) < 1000);
});
