/** What a gateway tells of a bucket is believed as far as it goes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unknownCapacity } from '../store.ts';
import { capacityIn } from './room.ts';

function told(used: string, ofBucket: string, ofUser: string): Record<string, string> {
  return {
    'x-rgw-bytes-used': used,
    'x-rgw-quota-bucket-size': ofBucket,
    'x-rgw-quota-user-size': ofUser,
  };
}

test('without quotas there is no total', () => {
  const expected = { usedBytes: 5, totalBytes: null, freeBytes: null };
  assert.deepEqual(capacityIn(told('5', '-1', '-1')), expected);
});

test('a quota of the bucket is what fits into it', () => {
  assert.deepEqual(capacityIn(told('5', '8', '-1')), { usedBytes: 5, totalBytes: 8, freeBytes: 3 });
  assert.deepEqual(capacityIn(told('9', '8', '-1')), { usedBytes: 9, totalBytes: 8, freeBytes: 0 });
});

test('what a quota of the user leaves nobody tells', () => {
  assert.deepEqual(capacityIn(told('5', '-1', '9')), { usedBytes: 5, totalBytes: 9, freeBytes: null });
  assert.deepEqual(capacityIn(told('5', '8', '9')), { usedBytes: 5, totalBytes: 8, freeBytes: null });
});

test('a server that tells no quotas, or no numbers, tells nothing', () => {
  assert.equal(capacityIn({}), unknownCapacity);
  assert.equal(capacityIn({ 'x-rgw-bytes-used': '5' }), unknownCapacity);
  assert.equal(capacityIn(told('5', 'all', '-1')), unknownCapacity);
});
