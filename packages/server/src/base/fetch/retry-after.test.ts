/** What a server in trouble may ask for, and how much of it is granted. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { leaveInPeace, pauseAskedFor } from './retry-after.ts';

/** A server whose watch is years behind. */
const date = 'Sun, 06 Nov 1994 08:49:37 GMT';

describe('a server that asks to be left in peace', () => {
  for (const [asked, ms] of [
    ['0', 0],
    ['7', 7_000],
    ['61', 60_000],
    ['2099', 60_000],
    ['9'.repeat(400), 60_000],
    ['Sun, 06 Nov 1994 08:49:49 GMT', 12_000],
    ['Sunday, 06-Nov-94 08:49:49 GMT', 12_000],
    ['Sun Nov  6 08:49:49 1994', 12_000],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 60_000],
    // It is over already.
    ['Sun, 06 Nov 1994 08:49:36 GMT', 0],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    // Nothing that makes sense, although some of it could be read as a date.
    ['-5', 0],
    ['1.5', 0],
    ['1e3', 0],
    ['0x10', 0],
    ['soon', 0],
    ['', 0],
    ['2099-01-01T00:00:00Z', 0],
    ['Sun, 99 Nov 1994 08:49:49 GMT', 0],
    ['Fri, 31 Dec 9999 23:59:59 +0000', 0],
  ] as const)
    test(`with ${JSON.stringify(asked.slice(0, 40))} is for ${ms} ms`, () => {
      assert.equal(pauseAskedFor(503, { date, 'retry-after': asked }), ms);
    });

  test('and has no watch, or none that can be read, is read on ours', () => {
    for (const wrong of [{}, { date: 'yesterday' }]) {
      const inHalfAMinute = new Date(Date.now() + 30_000).toUTCString();
      const ms = pauseAskedFor(429, { ...wrong, 'retry-after': inHalfAMinute });
      assert.ok(ms > 5_000 && ms <= 30_000, `${ms} ms`);
    }
  });

  test('in any other answer than one of trouble that may pass asks for nothing', () => {
    for (const status of [408, 425, 429, 500, 503])
      assert.equal(pauseAskedFor(status, { 'retry-after': '3' }), 3_000);
    for (const status of [200, 202, 301, 403, 404, 413])
      assert.equal(pauseAskedFor(status, { 'retry-after': '3' }), 0);
  });

  test('is not waited for by what was ended meanwhile', async () => {
    const leaving = new AbortController();
    const waiting = leaveInPeace(60_000, leaving.signal);
    leaving.abort(new RangeError('enough'));
    await assert.rejects(waiting, /enough/);
    await leaveInPeace(0, leaving.signal);
  });
});
