/** Which format an image gets, and which copies, by what its stores want. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TargetFormat } from '../inspection/qemu-img.ts';
import { formatsFor } from './kept-formats.ts';

function planOf(stores: string[], convertTo: TargetFormat | null, kept: Record<string, TargetFormat> = {}) {
  return formatsFor({ convertTo, keptFormats: new Map(Object.entries(kept)) }, stores, 'disk');
}

test('without wishes nothing is converted', () => {
  assert.deepEqual(planOf(['ceph', 'disk'], null), { convertTo: null });
});

test('what all imports become goes to every store that says nothing', () => {
  assert.deepEqual(planOf(['ceph', 'disk'], 'raw'), { convertTo: 'raw' });
  assert.deepEqual(planOf(['ceph'], 'raw', { disk: 'qcow2' }), { convertTo: 'raw' });
});

test('a store has its own way with what goes to it alone', () => {
  assert.deepEqual(planOf(['ceph'], null, { ceph: 'raw' }), { convertTo: 'raw' });
  assert.deepEqual(planOf(['ceph'], 'qcow2', { ceph: 'raw' }), { convertTo: 'raw' });
});

test('the image follows the default store wherever it stands, others get copies', () => {
  const copies = [{ format: 'raw', stores: ['ceph', 'far'] }];
  assert.deepEqual(planOf(['ceph', 'disk', 'far'], null, { ceph: 'raw', far: 'raw' }), {
    convertTo: null,
    copies,
  });
  assert.deepEqual(planOf(['ceph', 'disk', 'far'], 'raw', { disk: 'qcow2' }), { convertTo: 'qcow2', copies });
});

test('without the default store it follows the first', () => {
  assert.deepEqual(planOf(['ceph', 'tape'], null, { ceph: 'raw', tape: 'qcow2' }), {
    convertTo: 'raw',
    copies: [{ format: 'qcow2', stores: ['tape'] }],
  });
});

test('who wants nothing takes what the image is', () => {
  assert.deepEqual(planOf(['ceph', 'tape'], null, { ceph: 'raw' }), { convertTo: 'raw' });
});
