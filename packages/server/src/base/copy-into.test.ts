/** Bytes come to their place in any memory, all of them or none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyInto } from './copy-into.ts';

const bytes = Buffer.from('tintype');

for (const [kind, target] of [
  ['shared', Buffer.from(new SharedArrayBuffer(10))],
  ['other', Buffer.alloc(10)],
] as const) {
  test(`all bytes are copied to their place in ${kind} memory, once`, () => {
    copyInto(target, 1, bytes);
    assert.equal(target.toString('latin1'), '\0tintype\0\0');
  });

  test(`no bytes change nothing in ${kind} memory`, () => {
    const before = Buffer.from(target);
    copyInto(target, 4, Buffer.alloc(0));
    copyInto(target, 10, Buffer.alloc(0));
    assert.deepEqual(Buffer.from(target), before);
  });

  test(`${kind} memory that is too small is left as it is, with an error`, () => {
    const before = Buffer.from(target);
    assert.throws(() => copyInto(target, 4, bytes), RangeError);
    assert.deepEqual(Buffer.from(target), before);
  });
}

test('a part of shared memory is copied from', () => {
  const shared = Buffer.from(new SharedArrayBuffer(10));
  copyInto(shared, 2, bytes);
  const target = Buffer.alloc(4);
  copyInto(target, 1, shared.subarray(3, 6));
  assert.equal(target.toString('latin1'), '\0int');
});
