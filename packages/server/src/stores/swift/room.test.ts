/** Of the quotas of Swift the tightest counts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capacityOf, countedIn } from './room.ts';

const free = (used: number) => ({ used, quota: null });

test('what is not told is not taken for nothing', () => {
  const headers = { 'x-account-bytes-used': '7', 'x-account-meta-quota-bytes': '9' };
  assert.deepEqual(countedIn({ headers }, 'account'), { used: 7, quota: 9 });
  assert.equal(countedIn({ headers }, 'container'), null);
  const without = { 'x-container-bytes-used': '7', 'x-container-meta-quota-bytes': '' };
  assert.deepEqual(countedIn({ headers: without }, 'container'), { used: 7, quota: null });
});

test('without a quota there is no total', () => {
  const expected = { usedBytes: 9, totalBytes: null, freeBytes: null };
  assert.deepEqual(capacityOf(free(9), free(1), free(2)), expected);
  assert.deepEqual(capacityOf(null, free(1), free(2)), { ...expected, usedBytes: 3 });
  assert.deepEqual(capacityOf(null, null, null), { ...expected, usedBytes: null });
});

test('the quota that leaves least is told, with what counts in it', () => {
  const account = { used: 50, quota: 100 };
  const expected = { usedBytes: 50, totalBytes: 100, freeBytes: 50 };
  assert.deepEqual(capacityOf(account, free(0), { used: 40, quota: 95 }), expected);
  const segments = { used: 40, quota: 60 };
  assert.deepEqual(capacityOf(account, free(0), segments), { usedBytes: 40, totalBytes: 60, freeBytes: 20 });
  assert.equal(capacityOf({ used: 101, quota: 100 }, null, null).freeBytes, 0);
});

test('a quota of the container of the manifests bounds nothing', () => {
  assert.equal(capacityOf(free(9), { used: 1, quota: 5 }, free(2)).totalBytes, null);
});
