/** Amounts as people read and write them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, formatRate, formatSeconds, parseExpiry } from './amounts.ts';

test('bytes, rates and seconds', () => {
  const bytes = [0, 1023, 1024, 1536, 102_399, 102_400, 1024 ** 3, 5 * 1024 ** 6].map(formatBytes);
  assert.deepEqual(bytes, [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '100.0 KiB',
    '100 KiB',
    '1.0 GiB',
    '5120 PiB',
  ]);
  assert.equal(formatRate(1_000_000.7), '977 KiB/s');
  const seconds = [-1, 0.4, 59, 60, 125, 3599.6, 4020].map(formatSeconds);
  assert.deepEqual(seconds, ['0 s', '0 s', '59 s', '1 min 00 s', '2 min 05 s', '1 h 00 min', '1 h 07 min']);
});

test('an expiry is a duration from now or a date to come', () => {
  const now = new Date('2027-01-01T00:00:00Z');
  assert.equal(parseExpiry('30d', now).toISOString(), '2027-01-31T00:00:00.000Z');
  assert.equal(parseExpiry('12h', now).toISOString(), '2027-01-01T12:00:00.000Z');
  assert.equal(parseExpiry('2027-02-03', now).toISOString(), '2027-02-03T00:00:00.000Z');
  assert.equal(parseExpiry('2027-02-03T04:05:06Z', now).toISOString(), '2027-02-03T04:05:06.000Z');
  for (const text of [
    '',
    '30',
    'd',
    '-1d',
    '1.5d',
    '30 days',
    '2026-12-31',
    '2027-13-01',
    `${'9'.repeat(30)}w`,
  ]) {
    assert.throws(() => parseExpiry(text, now), { name: 'UsageError' }, text);
  }
});
