/** PATCH /v2/images/{id}: both media types and the whole table of refusals (API section 3). */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { patchMediaTypes } from '@tintype/contract';
import { differs, needs, needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { inOrder, refused } from './answer.ts';
import { bytes } from './bytes.ts';
import { Client, type Json, raw } from './client.ts';

let target: Target;
let client: Client;
let id: string;

before(async () => {
  target = await openTarget();
  client = new Client(target);
  id = (await client.create({ name: 'subject', os_distro: 'debian', tags: ['a'] })).id;
});
after(() => target.close());

const replace = (path: string, value: unknown) => ({ op: 'replace', path, value });
const add = (path: string, value: unknown) => ({ op: 'add', path, value });
const remove = (path: string) => ({ op: 'remove', path });

/** Fails unless nothing of the image has changed since. */
async function unchanged(work: (record: Json) => Promise<void>): Promise<void> {
  const before = (await client.show(id)).json;
  await work(before);
  assert.deepEqual((await client.show(id)).json, before);
}

test('another media type is 415 and says which are taken', async () => {
  for (const type of [
    undefined,
    'application/json',
    'application/json-patch+json',
    'application/openstack-images-v2.2-json-patch',
    'text/plain',
    '',
    'nonsense',
  ]) {
    const answer = await client.call('PATCH', `/v2/images/${id}`, {
      json: [],
      headers: { 'Content-Type': type },
    });
    refused(answer, 'unsupported_media_type');
    assert.deepEqual((answer.headers['accept-patch'] ?? '').split(', ').sort(), [...patchMediaTypes].sort());
  }
});

const capitals = (type: string) =>
  differs('A media type in capitals is unknown.') === false ? type.toUpperCase() : type;

test('media types count in any letters and with parameters', async () => {
  for (const type of patchMediaTypes)
    for (const form of [capitals(type), `${type}; charset=utf-8`, `${type};charset=UTF-8`]) {
      const answer = await client.call('PATCH', `/v2/images/${id}`, {
        json: [],
        headers: { 'Content-Type': form },
      });
      assert.equal(answer.status, 200, form);
    }
});

test('no operations change nothing', async () => {
  await unchanged(async (record) => {
    const answer = await client.patch(id, []);
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json, record);
    assert.deepEqual((await client.patch(id, [], 'v2.0')).json, record);
  });
});

test('the whole record is answered', async () => {
  const answer = await client.patch(id, [replace('/name', 'renamed')]);
  assert.equal(answer.status, 200);
  assert.equal(answer.json.name, 'renamed');
  assert.deepEqual((await client.show(id)).json, answer.json);
});

const replacesOnly = differs('The older form adds no base attribute, it replaces them.');

test("every base attribute that is the client's can be set with add and replace, in both forms", async () => {
  const values = {
    name: ['x', null, ''],
    visibility: ['private', 'community', 'shared'],
    protected: [true, false],
    os_hidden: [true, false],
    disk_format: ['qcow2', null, 'raw'],
    container_format: ['ova', null, 'bare'],
    min_disk: [5, 0],
    min_ram: [2_147_483_647, 0],
    tags: [['a', 'b'], []],
  };
  for (const [name, list] of Object.entries(values))
    for (const value of list)
      for (const op of ['add', 'replace']) {
        const now = await client.patch(id, [{ op, path: `/${name}`, value }]);
        assert.deepEqual(inOrder(now.json)[name], value, `${op} ${name}`);
        if (op === 'add' && replacesOnly !== false) continue;
        const old = await client.patch(id, [{ [op]: `/${name}`, value }], 'v2.0');
        assert.deepEqual(inOrder(old.json)[name], value, `${op} ${name} in the older form`);
      }
});

test('properties come, change and go, in both forms', async () => {
  const made = await client.patch(id, [
    add('/hw_disk_bus', 'scsi'),
    add('/a~1b~0c', 'x'),
    add('/kernel_id', null),
  ]);
  assert.equal(made.json.hw_disk_bus, 'scsi');
  assert.equal(made.json['a/b~c'], 'x');
  assert.equal(made.json.kernel_id, null);
  assert.equal((await client.patch(id, [replace('/hw_disk_bus', 'ide')])).json.hw_disk_bus, 'ide');
  assert.equal((await client.patch(id, [{ replace: '/a~1b~0c', value: 'y' }], 'v2.0')).json['a/b~c'], 'y');
  assert.equal((await client.patch(id, [{ add: '/old', value: 'o' }], 'v2.0')).json.old, 'o');
  const gone = await client.patch(
    id,
    [{ remove: '/old' }, { remove: '/a~1b~0c' }, { remove: '/kernel_id' }],
    'v2.0',
  );
  for (const name of ['old', 'a/b~c', 'kernel_id']) assert.ok(!Object.hasOwn(gone.json, name), name);
  const last = await client.patch(id, [remove('/hw_disk_bus')]);
  assert.ok(!Object.hasOwn(last.json, 'hw_disk_bus'));
  assert.deepEqual(await client.ids(`hw_disk_bus=scsi&id=${id}`), [], 'it is not found by it any more');
});

test('adding a property that is there overwrites it in the newer form and is 409 in the older', async () => {
  assert.equal((await client.patch(id, [add('/os_distro', 'ubuntu')])).json.os_distro, 'ubuntu');
  refused(await client.patch(id, [{ add: '/os_distro', value: 'debian' }], 'v2.0'), 'property_exists');
  assert.equal((await client.show(id)).json.os_distro, 'ubuntu');
});

test('replacing or removing a property that is not there is 409', async () => {
  const value = randomUUID();
  for (const name of ['none', 'kernel_id', 'toString', 'constructor', '0'])
    await unchanged(async () => {
      refused(await client.patch(id, [replace(`/${name}`, value)]), 'property_missing');
      refused(await client.patch(id, [remove(`/${name}`)]), 'property_missing');
      refused(await client.patch(id, [{ replace: `/${name}`, value }], 'v2.0'), 'property_missing');
      refused(await client.patch(id, [{ remove: `/${name}` }], 'v2.0'), 'property_missing');
    });
});

test('a base attribute cannot be removed', async () => {
  for (const name of [
    'name',
    'visibility',
    'protected',
    'os_hidden',
    'owner',
    'disk_format',
    'min_disk',
    'tags',
  ])
    await unchanged(async () => {
      const answer = await client.patch(id, [remove(`/${name}`)]);
      assert.equal(answer.status, 403, name);
      assert.equal((await client.patch(id, [{ remove: `/${name}` }], 'v2.0')).status, 403, name);
    });
});

test('attributes of the server are 403, whatever the operation', async () => {
  const names = [
    'id',
    'status',
    'checksum',
    'size',
    'virtual_size',
    'os_hash_algo',
    'os_hash_value',
    'created_at',
    ...(differs('stores can be set as a property by a patch.') === false ? ['stores'] : []),
  ];
  for (const name of [...names, 'updated_at', 'direct_url', 'self', 'file', 'schema'])
    await unchanged(async () => {
      for (const operation of [replace(`/${name}`, 'x'), add(`/${name}`, 'x'), remove(`/${name}`)])
        refused(await client.patch(id, [operation]), 'read_only', new RegExp(`'${name}'`));
      refused(await client.patch(id, [{ replace: `/${name}`, value: 5 }], 'v2.0'), 'read_only');
    });
});

test('reserved names are 403, whatever the operation', async () => {
  const names = [
    'location',
    'deleted',
    'deleted_at',
    'os_glance_import_task',
    'os_glance_failed_import',
    'os_glance_x',
  ];
  for (const name of names)
    for (const operation of [replace(`/${name}`, 'x'), add(`/${name}`, 'x'), remove(`/${name}`)])
      refused(await client.patch(id, [operation]), 'reserved_attribute', new RegExp(`'${name}'`));
});

test('locations are not exposed', { skip: needsOwnServer }, async () => {
  const location = { url: 'http://example.org/x', metadata: {} };
  for (const operation of [
    add('/locations/-', location),
    add('/locations/0', location),
    remove('/locations/0'),
    replace('/locations', []),
    replace('/locations', [location]),
  ])
    await unchanged(async () => refused(await client.patch(id, [operation]), 'forbidden'));
});

const badDocuments: Record<string, unknown> = {
  'an object': { op: 'replace', path: '/name', value: 'x' },
  null: null,
  text: 'replace',
  'a list of lists': [[]],
  'a list of text': ['replace'],
  'a null operation': [null],
  'no op': [{ path: '/name', value: 'x' }],
  test: [{ op: 'test', path: '/name', value: 'x' }],
  move: [{ op: 'move', from: '/a', path: '/b' }],
  copy: [{ op: 'copy', from: '/a', path: '/b' }],
  'an op in capitals': [{ op: 'REPLACE', path: '/name', value: 'x' }],
  'an op that is no text': [{ op: ['replace'], path: '/name', value: 'x' }],
  'the older form': [{ replace: '/name', value: 'x' }],
  'no path': [{ op: 'replace', value: 'x' }],
  ...(differs('A path that is no text is 500.') === false && {
    'a path that is no text': [{ op: 'replace', path: ['/name'], value: 'x' }],
  }),
  'no value': [{ op: 'replace', path: '/name' }],
  'no value to add': [{ op: 'add', path: '/x' }],
};

for (const [what, document] of Object.entries(badDocuments))
  test(`a patch of ${what} is 400`, async () =>
    unchanged(async () => refused(await client.patch(id, document), 'invalid_patch')));

const badOldDocuments: Record<string, unknown> = {
  'the newer form': [{ op: 'replace', path: '/name', value: 'x' }],
  'two verbs': [{ replace: '/name', add: '/name', value: 'x' }],
  'no verb': [{ value: 'x' }],
  'no value': [{ replace: '/name' }],
};

for (const [what, document] of Object.entries(badOldDocuments))
  test(`a patch in the older form of ${what} is 400`, async () =>
    unchanged(async () => refused(await client.patch(id, document, 'v2.0'), 'invalid_patch')));

test('a patch that is no JSON is 400', async () => {
  const headers = { 'Content-Type': patchMediaTypes[0] };
  for (const text of ['', '[', '[{]', 'x'])
    refused(
      await client.call('PATCH', `/v2/images/${id}`, { body: Buffer.from(text), headers }),
      'invalid_json',
    );
});

test('bad paths are 400', async () => {
  for (const path of [
    '',
    'name',
    ...(differs('A path may be empty or begin with two slashes.') === false ? ['/', '//name'] : []),
    '//',
    '/name/',
    '/tags/0',
    '/tags/-',
    '/a/b',
    '/a/b/c',
    '/~',
    '/~2',
    '/a~',
  ])
    for (const operation of [replace(path, 'x'), add(path, 'x'), remove(path)])
      refused(await client.patch(id, [operation]), 'invalid_patch');
});

test('wrong values are 400 and named', async () => {
  const wrong: [string, unknown][] = [
    ['name', 5],
    ['name', 'n'.repeat(256)],
    ['visibility', 'secret'],
    ['protected', 'true'],
    ['os_hidden', 1],
    ['disk_format', 'floppy'],
    ['container_format', 5],
    ['min_disk', -1],
    ['min_ram', '1'],
    ['min_ram', 2_147_483_648],
    ['tags', 'a'],
    ['tags', ['t'.repeat(256)]],
    ['os_distro', 5],
    ['os_distro', null],
    ['os_distro', { a: 'b' }],
    ['kernel_id', 'vmlinuz'],
  ];
  for (const [name, value] of wrong)
    await unchanged(async () =>
      refused(await client.patch(id, [add(`/${name}`, value)]), 'invalid_attribute', new RegExp(name)),
    );
  if (differs('A patch may add a property of any name, however long.') !== false) return;
  refused(await client.patch(id, [add(`/${'k'.repeat(256)}`, 'x')]), 'invalid_attribute');
  refused(await client.patch(id, [add('/__proto__', 'x')]), 'invalid_attribute');
});

test('all operations apply, in order', async () => {
  const answer = await client.patch(id, [
    add('/step', '1'),
    replace('/step', '2'),
    remove('/step'),
    add('/step', '3'),
    replace('/name', 'a'),
    replace('/name', 'b'),
    replace('/tags', ['x']),
    replace('/tags', ['y', 'y']),
  ]);
  assert.equal(answer.json.step, '3');
  assert.equal(answer.json.name, 'b');
  assert.deepEqual(answer.json.tags, ['y']);
});

test('if one operation is refused none applies', async () => {
  for (const bad of [
    replace('/none', 'x'),
    replace('/size', 5),
    add('/x', 5),
    replace('/name/x', 'y'),
    { op: 'test' },
  ])
    await unchanged(async () => {
      const answer = await client.patch(id, [add('/half', 'done'), replace('/name', 'half'), bad]);
      assert.ok(answer.status >= 400);
    });
});

test('formats are fixed once there are data', async () => {
  const active = await client.createActive(bytes(100));
  for (const name of ['disk_format', 'container_format'])
    for (const operation of [replace(`/${name}`, 'ami'), add(`/${name}`, 'ami'), replace(`/${name}`, null)])
      refused(await client.patch(active.id, [operation]), 'formats_fixed');
  const renamed = await client.patch(active.id, [
    replace('/name', 'still changeable'),
    replace('/tags', ['t']),
  ]);
  assert.equal(renamed.status, 200);
  assert.deepEqual((await client.download(active.id)).body, bytes(100));
});

test('quotas hold for properties and tags', async () => {
  const { id: full } = await client.create(
    Object.fromEntries(Array.from({ length: 127 }, (_, i) => [`k${i}`, 'v'])),
  );
  assert.equal((await client.patch(full, [add('/last', 'v')])).status, 200);
  refused(await client.patch(full, [add('/more', 'v')]), 'quota_properties');
  assert.equal((await client.patch(full, [remove('/last'), add('/more', 'v')])).status, 200);
  const tags = Array.from({ length: 129 }, (_, i) => `${i}`);
  refused(await client.patch(full, [replace('/tags', tags)]), 'quota_tags');
  assert.equal((await client.patch(full, [replace('/tags', tags.slice(1))])).status, 200);
});

test('thousands of operations are served or refused in a moment', {
  skip: differs('Thousands of operations take minutes.'),
}, async () => {
  const many = Array.from({ length: 15_000 }, (_, i) => add(`/k${i}`, 'v'));
  const started = performance.now();
  refused(await client.patch(id, many), 'quota_properties');
  const again = Array.from({ length: 15_000 }, (_, i) => replace('/name', `${i}`));
  assert.equal((await client.patch(id, again)).json.name, '14999');
  assert.ok(performance.now() - started < 15_000);
});

test('only an administrator gives an image to another project', {
  skip: needs('member', 'admin', 'other'),
}, async () => {
  const member = new Client(target, 'member');
  const admin = new Client(target, 'admin');
  const { owner: elsewhere } = await new Client(target, 'other').create();
  const { id: own, owner } = await member.create();
  if (differs('A member may not even replace the owner by itself.') === false)
    assert.equal(
      (await member.patch(own, [replace('/owner', owner)])).status,
      200,
      'the same owner is no change',
    );
  refused(await member.patch(own, [replace('/owner', elsewhere)]), 'forbidden');
  refused(await member.patch(own, [replace('/owner', null)]), 'forbidden');
  assert.equal((await admin.patch(own, [replace('/owner', elsewhere)])).json.owner, elsewhere);
  assert.equal((await member.show(own)).status, 404);
  assert.equal((await admin.patch(own, [replace('/owner', null)])).json.owner, null);
});

test('an unknown image is 404, whatever the operations', async () => {
  for (const unknown of [randomUUID(), 'x'])
    refused(
      await client.patch(unknown, [replace('/name', 'x')]),
      'image_not_found',
      /^No image found with ID/,
    );
});

test('what the stock client appends to every change is no error', async () => {
  const { id: own } = await client.create({ ...raw, tags: ['keep'] });
  for (const status of ['queued', 'active']) {
    if (status === 'active') await client.upload(own, bytes(10));
    const answer = await client.patch(own, [replace('/name', status), replace('/tags', ['keep'])]);
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json.tags, ['keep']);
  }
});

test('changes made at the same time all count', {
  skip: differs('Of changes made at the same time some are lost.'),
}, async () => {
  const { id: busy } = await client.create();
  const names = Array.from({ length: 20 }, (_, i) => `k${i}`);
  const answers = await Promise.all(names.map((name) => client.patch(busy, [add(`/${name}`, 'v')])));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  const record = (await client.show(busy)).json;
  for (const name of names) assert.equal(record[name], 'v', name);
});

test('an image from the time of a higher quota can still be changed', { skip: needsOwnServer }, async () => {
  const { url } = target.server!.config.database;
  const { id: full } = await client.create({ a: 'a', b: 'b', c: 'c', tags: ['1', '2', '3'] });
  const strict = await openTarget({ images: { maxProperties: 1, maxTags: 1 }, database: { url } });
  try {
    const other = new Client(strict);
    const changed = await other.patch(full, [
      remove('/a'),
      replace('/name', 'x'),
      replace('/tags', ['1', '2']),
    ]);
    assert.equal(changed.status, 200);
    refused(await other.patch(full, [add('/d', 'd'), add('/e', 'e')]), 'quota_properties');
    refused(await other.put(`/v2/images/${full}/tags/9`), 'quota_tags');
  } finally {
    await strict.close();
  }
});
