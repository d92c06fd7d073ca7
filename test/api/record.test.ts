/** The image record: what it holds, what null and default mean, how long things may be (API section 2). */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { ImagePage, ImageRecord } from '@tintype/contract';
import Value from 'typebox/value';
import { differs, openTarget, type Target } from '../support/target.ts';
import { inOrder, refused } from './answer.ts';
import { bytes, digest } from './bytes.ts';
import { Client, type Json, raw } from './client.ts';

let target: Target;
let client: Client;

before(async () => {
  target = await openTarget();
  client = new Client(target);
});
after(() => target.close());

/** Every base attribute, in no order. */
const baseNames = [
  'checksum',
  'container_format',
  'created_at',
  'disk_format',
  'file',
  'id',
  'min_disk',
  'min_ram',
  'name',
  'os_hash_algo',
  'os_hash_value',
  'os_hidden',
  'owner',
  'protected',
  'schema',
  'self',
  'size',
  'status',
  'tags',
  'updated_at',
  'virtual_size',
  'visibility',
];

function checkRecord(record: Json): void {
  assert.ok(Value.Check(ImageRecord, record), JSON.stringify(record));
  for (const time of [record.created_at, record.updated_at])
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(record.self, `/v2/images/${record.id}`);
  assert.equal(record.file, `/v2/images/${record.id}/file`);
  assert.equal(record.schema, '/v2/schemas/image');
  const custom = Object.entries(record).filter(([name]) => !baseNames.includes(name));
  for (const [name, value] of custom) assert.equal(typeof value, 'string', name);
}

test('a new record has every base attribute, null when unset, and nothing else', async () => {
  const started = Math.floor(Date.now() / 1000) * 1000;
  const record = await client.create({});
  checkRecord(record);
  assert.deepEqual(Object.keys(record).sort(), baseNames);
  const { id, owner, created_at, updated_at, self, file, schema, ...rest } = record;
  assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.equal(updated_at, created_at);
  assert.ok(Date.parse(created_at) >= started - 60_000 && Date.parse(created_at) <= Date.now() + 60_000);
  assert.ok(owner === null || typeof owner === 'string');
  assert.deepEqual(rest, {
    checksum: null,
    container_format: null,
    disk_format: null,
    min_disk: 0,
    min_ram: 0,
    name: null,
    os_hash_algo: null,
    os_hash_value: null,
    os_hidden: false,
    protected: false,
    size: null,
    status: 'queued',
    tags: [],
    virtual_size: null,
    visibility: 'shared',
  });
});

test('an active record tells size and digests', async () => {
  const data = bytes(70_001);
  const record = await client.createActive(data, { name: 'active' });
  checkRecord(record);
  assert.equal(record.status, 'active');
  assert.equal(record.size, data.length);
  assert.equal(record.virtual_size, data.length, 'of a raw disk');
  assert.equal(record.checksum, digest('md5', data));
  assert.equal(record.os_hash_algo, 'sha512');
  assert.equal(record.os_hash_value, digest('sha512', data));
});

test('a record is the same made, shown, listed and changed', async () => {
  const made = await client.create({
    ...raw,
    name: 'one',
    tags: ['b', 'a'],
    os_distro: 'debian',
    kernel_id: null,
  });
  const expected = inOrder(made);
  assert.deepEqual(inOrder((await client.show(made.id)).json), expected);
  const page = (await client.get(`/v2/images?id=${made.id}`)).json;
  assert.ok(Value.Check(ImagePage, page));
  assert.deepEqual(page.images.map(inOrder), [expected]);
  assert.deepEqual(inOrder((await client.patch(made.id, [])).json), expected);
});

const beyondThePlane =
  differs('Names, tags and properties have no characters beyond the basic plane.') === false ? '😀' : '';

test('custom properties stand at the top, whatever their names', async () => {
  const properties = {
    hw_disk_bus: 'scsi',
    'owner_specified.openstack.md5': '',
    'owner_specified.openstack.object': 'images/a b',
    'with space': ' ',
    'sl/ash~and^more': 'x',
    [`ünïcödé ☃${beyondThePlane}`]: '☃',
    properties_: 'p',
    length: '1',
    constructor: 'c',
    toString: 't',
    hasOwnProperty: 'h',
    toJSON: 'j',
    ...JSON.parse('{"then":"t"}'),
    status_: 's',
    '0': 'zero',
    a: '{"json":["as","text"]}',
    long: 'x'.repeat(100_000),
  };
  const record = await client.create(properties);
  checkRecord(record);
  for (const [name, value] of Object.entries(properties)) assert.equal(record[name], value, name);
  assert.deepEqual((await client.show(record.id)).json, record);
});

test('null is a value for kernel_id and ramdisk_id only', async () => {
  const kernel = randomUUID();
  const record = await client.create({ kernel_id: kernel, ramdisk_id: null });
  assert.equal(record.kernel_id, kernel);
  assert.equal(record.ramdisk_id, null);
  refused(await client.post('/v2/images', { os_distro: null }), 'invalid_attribute');
  refused(await client.post('/v2/images', { kernel_id: 'vmlinuz' }), 'invalid_attribute');
  refused(await client.post('/v2/images', { ramdisk_id: '' }), 'invalid_attribute');
});

test('lengths count characters, not bytes or units', async () => {
  for (const letter of ['a', 'é', '☃', beyondThePlane || 'ß']) {
    const longest = letter.repeat(255);
    const { id } = await client.create({ name: longest, tags: [longest], [longest]: longest });
    const record = (await client.show(id)).json;
    assert.equal(record.name, longest);
    assert.deepEqual(record.tags, [longest]);
    assert.equal(record[longest], longest);
    const tooLong = letter.repeat(256);
    for (const fields of [{ name: tooLong }, { tags: [tooLong] }, { owner: tooLong }, { [tooLong]: 'x' }])
      refused(await client.post('/v2/images', fields), 'invalid_attribute');
  }
  // One character to a reader, thousands to a database.
  refused(await client.post('/v2/images', { name: `a${'\u0301'.repeat(300)}` }), 'invalid_attribute');
});

test('tags keep their order and lose their doubles', async () => {
  const record = await client.create({ tags: ['b', 'a', 'b', '', 'A', 'a'] });
  const expected = ['b', 'a', '', 'A'];
  assert.deepEqual(inOrder(record).tags, inOrder({ tags: expected }).tags);
});

test('names and values are text: control characters yes, NUL and half characters no', async () => {
  const odd = '\u0001\t\r\n\u007f\u0085\u2028\ufeff\ufffd';
  const record = await client.create({ name: odd, tags: [odd], [`k${odd}`]: odd });
  assert.equal(record.name, odd);
  assert.equal((await client.show(record.id)).json[`k${odd}`], odd);
  if (differs('Texts may contain NUL and halves of surrogate pairs.') !== false) return;
  for (const text of ['\u0000', 'a\u0000b', '\ud800', 'a\udc00b', '\udfff\ud800'])
    for (const fields of [
      { name: text },
      { tags: [text] },
      { k: text },
      { [`k${text}`]: 'v' },
      { owner: text },
    ])
      refused(await client.post('/v2/images', fields), 'invalid_attribute');
});
