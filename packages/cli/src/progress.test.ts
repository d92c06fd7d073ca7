/** What a transfer shows of itself, by a clock of the test. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgressDisplay } from './progress.ts';

const mebibyte = 1024 * 1024;

/** Writes and the clock, to be moved by hand. */
function stage(total: number | null, isTTY: boolean, columns = 80) {
  const written: string[] = [];
  let clock = 1000;
  const screen = { isTTY, columns, write: (text: string) => written.push(text) };
  const display = new ProgressDisplay({ label: 'uploading a', total, screen, now: () => clock });
  const at = (milliseconds: number, bytes: number) => {
    clock = 1000 + milliseconds;
    display.update(bytes);
  };
  return { written, display, at };
}

test('a bar with share, rate and time left, drawn ten times a second at most', () => {
  const { written, display, at } = stage(100 * mebibyte, true);
  for (let milliseconds = 0; milliseconds <= 1000; milliseconds += 10)
    at(milliseconds, (milliseconds / 40) * mebibyte);
  assert.equal(written.length, 10);
  assert.equal(
    written.at(-1),
    '\ruploading a [######------------------] 25 % of 100 MiB, 25.0 MiB/s, 3 s left\x1b[K',
  );
  at(4000, 100 * mebibyte);
  display.done();
  assert.equal(written.at(-1), '\r\x1b[Kuploading a: 100 MiB in 4.0 s (25.0 MiB/s)\n');
});

test('the rate is that of the last seconds', () => {
  const { written, at } = stage(1000 * mebibyte, true);
  for (let second = 1; second <= 20; second++) at(second * 1000, second * mebibyte);
  for (let second = 21; second <= 30; second++) at(second * 1000, (20 + (second - 20) * 10) * mebibyte);
  assert.match(written.at(-1)!, /, 10.0 MiB\/s, 1 min 28 s left/);
});

test('in a narrow terminal the bar goes first, then the label', () => {
  const drawn = [70, 60, 50, 30].map((columns) => {
    const { written, at } = stage(100 * mebibyte, true, columns);
    at(1000, mebibyte);
    return written[0]!.slice(1, -3);
  });
  assert.deepEqual(drawn, [
    'uploading a [------------] 1 % of 100 MiB, 1.0 MiB/s, 1 min 39 s left',
    'uploading a 1 % of 100 MiB, 1.0 MiB/s, 1 min 39 s left',
    'uploa… 1 % of 100 MiB, 1.0 MiB/s, 1 min 39 s left',
    '… 1 % of 100 MiB, 1.0 MiB/s, ',
  ]);
});

test('lines every tenth or five seconds without a terminal', () => {
  const { written, display, at } = stage(100 * mebibyte, false);
  for (let milliseconds = 0; milliseconds <= 30_000; milliseconds += 100)
    at(milliseconds, (milliseconds / 300) * mebibyte);
  display.done();
  assert.equal(written.length, 11);
  assert.equal(written[0], 'uploading a: 10 % of 100 MiB, 3.3 MiB/s, 27 s left\n');
  const slow = stage(100 * mebibyte, false);
  for (let second = 0; second <= 20; second++) slow.at(second * 1000, second * 1024);
  assert.equal(slow.written.length, 4);
  const fast = stage(100 * mebibyte, false);
  for (let step = 0; step <= 100; step++) fast.at(step, step * mebibyte);
  assert.deepEqual(fast.written, []);
});

test('without a total there is only what came so far', () => {
  const { written, at } = stage(null, false);
  at(5000, 10 * mebibyte);
  assert.deepEqual(written, ['uploading a: 10.0 MiB, 2.0 MiB/s\n']);
});
