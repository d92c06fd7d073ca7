/** Records that are remembered: the right version, never more than there is room for, and nobody's to change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Image } from './image.ts';
import { RememberedImages } from './remembered-images.ts';

const time = new Date(0);
const imageOf = (id: string): Image => ({
  id,
  name: 'x'.repeat(1000),
  status: 'active',
  visibility: 'private',
  protected: false,
  os_hidden: false,
  owner: 'red',
  disk_format: 'raw',
  container_format: 'bare',
  min_disk: 0,
  min_ram: 0,
  size: 1,
  virtual_size: null,
  checksum: null,
  os_hash_algo: null,
  os_hash_value: null,
  tags: ['a'],
  properties: { b: 'c' },
  created_at: time,
  updated_at: time,
});
const rowOf = (id: string) => ({ id, version: '7', changed: 'then' });

test('an image is remembered as one version of its row has it', () => {
  const remembered = new RememberedImages();
  const image = imageOf('1');
  remembered.add(rowOf('1'), image);
  assert.equal(remembered.find(rowOf('1')), image);
  assert.equal(remembered.find(rowOf('2')), undefined);
  assert.equal(remembered.find({ ...rowOf('1'), version: '8' }), undefined);
  assert.equal(remembered.find({ ...rowOf('1'), changed: 'now' }), undefined);
  remembered.add({ ...rowOf('1'), version: '8' }, imageOf('1'));
  assert.equal(remembered.find(rowOf('1')), undefined);
});

test('those that many share cannot be changed by one', () => {
  const remembered = new RememberedImages();
  remembered.add(rowOf('1'), imageOf('1'));
  const image = remembered.find(rowOf('1'))!;
  assert.throws(() => image.tags.push('b'), TypeError);
  assert.throws(() => Object.assign(image.properties, { b: 'd' }), TypeError);
  assert.throws(() => Object.assign(image, { name: 'other' }), TypeError);
});

test('there are never more than two generations, and what is asked for stays', () => {
  // Three images of some 1,400 characters fill a generation.
  const remembered = new RememberedImages(5000);
  for (let at = 0; at < 100; at += 1) {
    remembered.add(rowOf(String(at)), imageOf(String(at)));
    assert.ok(remembered.find(rowOf('0')), `the first is forgotten after ${at} others`);
  }
  const kept = Array.from({ length: 100 }, (_, at) => remembered.find(rowOf(String(at)))).filter(Boolean);
  assert.ok(kept.length >= 2 && kept.length <= 6, `${kept.length} are remembered`);
});

test('an image larger than all the room does no harm', () => {
  const remembered = new RememberedImages(100);
  for (const id of ['1', '2', '3']) remembered.add(rowOf(id), imageOf(id));
  assert.equal(remembered.find(rowOf('1')), undefined);
  assert.equal(remembered.find(rowOf('3'))?.id, '3');
});
