/** GET /v2/events: who is told what, in which order, and from where on. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import { differs, needs, needsOwnServer, openTarget, type Role, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes } from './bytes.ts';
import { Client, raw } from './client.ts';
import { type EventStream, listen } from './event-stream.ts';

const skip = differs('It has no stream of events.');
const roles = skip || needs('admin', 'member', 'reader', 'other');

let target: Target;
let client: Client;
const open: EventStream[] = [];

before(async () => {
  target = await openTarget();
  client = new Client(target);
});
afterEach(() => {
  for (const stream of open.splice(0)) stream.close();
});
after(() => target.close());

async function hear(role: Role, query = '', headers: Record<string, string> = {}): Promise<EventStream> {
  const stream = await listen(target, role, query, headers);
  open.push(stream);
  return stream;
}

const rename = (name: string) => [{ op: 'replace', path: '/name', value: name }];

test('what becomes of an image is told in order, with the fields of the notifications', {
  skip,
}, async () => {
  const stream = await hear('caller');
  assert.equal(stream.headers['content-type'], 'text/event-stream');
  const { id } = await client.create({ ...raw, name: 'told', tags: ['one'], colour: 'red' });
  await client.patch(id, rename('twice'));
  await client.put(`/v2/images/${id}/tags/two`);
  await client.upload(id, bytes(1000));
  await client.delete(`/v2/images/${id}`);
  await stream.until('the deletion', () => stream.typesOf(id).includes('image.delete'));
  assert.deepEqual(stream.typesOf(id), [
    'image.create',
    'image.update',
    'image.update',
    'image.prepare',
    'image.upload',
    'image.activate',
    'image.delete',
  ]);
  const mine = stream.blocks.filter(({ data }) => data.image_id === id);
  assert.equal(new Set(mine.map(({ data }) => data.id)).size, mine.length);
  for (const { id: position, event, data } of mine) {
    assert.equal(String(data.position), position);
    assert.equal(data.type, event);
    assert.equal(data.payload.id, id);
    assert.equal(data.payload.owner, data.project_id);
  }
  const [created, , , , , activated, deleted] = mine.map(({ data }) => data.payload);
  assert.deepEqual(Object.keys(created!), [
    'id',
    'name',
    'status',
    'created_at',
    'updated_at',
    'min_disk',
    'min_ram',
    'protected',
    'checksum',
    'owner',
    'disk_format',
    'container_format',
    'size',
    'virtual_size',
    'is_public',
    'visibility',
    'properties',
    'tags',
    'deleted',
    'deleted_at',
  ]);
  assert.deepEqual(
    [created!.name, created!.status, created!.properties],
    ['told', 'queued', { colour: 'red' }],
  );
  assert.deepEqual([activated!.name, activated!.status, activated!.size], ['twice', 'active', 1000]);
  assert.deepEqual([deleted!.status, deleted!.deleted], ['deleted', true]);
});

test('whoever comes back is told what happened meanwhile, once', { skip }, async () => {
  const first = await hear('caller');
  const { id } = await client.create(raw);
  await first.until('the image', () => first.typesOf(id).length >= 1);
  const { lastId } = first;
  first.close();
  await client.patch(id, rename('meanwhile'));
  const second = await hear('caller', '?after=0', { 'Last-Event-ID': lastId });
  await client.patch(id, rename('afterwards'));
  await second.until('both changes', () => second.typesOf(id).length >= 2);
  const names = second.blocks.filter(({ data }) => data.image_id === id).map(({ data }) => data.payload.name);
  assert.deepEqual(names, ['meanwhile', 'afterwards']);
});

test('without follow the answer ends with what there is', { skip }, async () => {
  const { id } = await client.create(raw);
  const live = await hear('caller');
  await client.patch(id, rename('x'));
  await live.until('the change', () => live.typesOf(id).includes('image.update'));
  const past = await hear('caller', `?after=0&follow=false&image_id=${id}`);
  await past.ended;
  assert.deepEqual(past.typesOf(id), ['image.create', 'image.update']);
  assert.equal(past.blocks.length, 2);
  const some = await hear('caller', `?after=0&follow=false&image_id=${id}&type=image.update,task`);
  await some.ended;
  assert.deepEqual(some.typesOf(id), ['image.update']);
});

test('a project is told of its own images alone, an administrator of all who asks for them', {
  skip: roles,
}, async () => {
  const [own, reader, other, all, admin] = await Promise.all([
    hear('member'),
    hear('reader'),
    hear('other'),
    hear('admin', '?all_projects=true'),
    hear('admin'),
  ]);
  const shared = await new Client(target, 'member').create({ ...raw, visibility: 'shared' });
  await new Client(target, 'member').post(`/v2/images/${shared.id}/members`, { member: 'project-two' });
  const community = await new Client(target, 'member').create({ ...raw, visibility: 'community' });
  const foreign = await new Client(target, 'other').create(raw);
  for (const stream of [own, reader, all])
    await stream.until('the last image', () => stream.typesOf(community.id).length === 1);
  await all.until('the other image', () => all.typesOf(foreign.id).length === 1);
  await other.until('its own image', () => other.typesOf(foreign.id).length === 1);
  assert.deepEqual(own.typesOf(shared.id), ['image.create', 'image.member.create']);
  assert.deepEqual(reader.typesOf(shared.id), own.typesOf(shared.id));
  assert.deepEqual(own.typesOf(foreign.id), []);
  assert.deepEqual(new Set(other.blocks.map(({ data }) => data.image_id)), new Set([foreign.id]));
  assert.deepEqual(admin.blocks, []);
  const peek = await hear('other', `?after=0&follow=false&image_id=${community.id}`);
  await peek.ended;
  assert.deepEqual(peek.blocks, []);
});

test('an image that has gone to another project is no business of the first', { skip: roles }, async () => {
  const { id } = await new Client(target, 'member').create(raw);
  const change = [{ op: 'replace', path: '/owner', value: 'project-two' }];
  const stream = await hear('other');
  assert.equal((await new Client(target, 'admin').patch(id, change)).status, 200);
  await stream.until('the change', () => stream.typesOf(id).length >= 1);
  const past = await hear('member', `?after=0&follow=false&image_id=${id}`);
  await past.ended;
  assert.deepEqual(past.blocks, []);
});

test('what cannot be meant is refused before anything is told', { skip }, async () => {
  for (const query of [
    'after=-1',
    'after=x',
    'after=99999999999999999',
    'type=image.nothing',
    'image_id=x',
    'follow=yes',
    'all_projects=1',
  ])
    refused(await client.get(`/v2/events?${query}`), 'invalid_query');
  refused(await client.get('/v2/events', { 'Last-Event-ID': 'x' }), 'invalid_query');
});

test('only administrators ask for all projects', { skip: roles }, async () => {
  refused(await new Client(target, 'member').get('/v2/events?all_projects=true'), 'forbidden');
});

test('a place that there is not any more, or not yet, is told to be missed', { skip }, async () => {
  const { id } = await client.create(raw);
  const stream = await hear('caller', '?after=900000000000000');
  await client.patch(id, rename('new'));
  await stream.until('the change', () => stream.typesOf(id).length >= 1);
  assert.deepEqual(
    stream.blocks.map(({ event }) => event),
    ['missed', 'image.update'],
  );
});

test('members and metadata definitions are told, too', { skip: roles }, async () => {
  const member = new Client(target, 'member');
  const stream = await hear('admin', '?all_projects=true');
  const { id } = await member.create({ ...raw, visibility: 'shared' });
  await member.post(`/v2/images/${id}/members`, { member: 'project-two' });
  await new Client(target, 'other').call('PUT', `/v2/images/${id}/members/project-two`, {
    json: { status: 'accepted' },
  });
  await member.delete(`/v2/images/${id}/members/project-two`);
  const admin = new Client(target, 'admin');
  const namespace = `events-${randomUUID()}`;
  const path = `/v2/metadefs/namespaces/${namespace}`;
  await admin.post('/v2/metadefs/namespaces', { namespace });
  await admin.post(`${path}/objects`, { name: 'o', properties: { p: { title: 'P', type: 'string' } } });
  await admin.post(`${path}/properties`, { name: 'p', title: 'P', type: 'integer', minimum: 3 });
  await admin.call('PUT', `${path}/properties/p`, { json: { name: 'q', title: 'Q', type: 'integer' } });
  await admin.post(`${path}/tags/t`, undefined);
  await admin.delete(`${path}/tags`);
  await admin.delete(`${path}/objects/o`);
  await admin.delete(path);
  const mine = () => stream.blocks.filter(({ data }) => data.payload.namespace === namespace);
  await stream.until('the end', () => mine().some(({ event }) => event === 'metadef_namespace.delete'));
  assert.deepEqual(stream.typesOf(id), [
    'image.create',
    'image.member.create',
    'image.member.update',
    'image.member.delete',
  ]);
  assert.deepEqual(
    mine().map(({ event }) => event),
    [
      'metadef_namespace.create',
      'metadef_object.create',
      'metadef_property.create',
      'metadef_property.update',
      'metadef_tag.create',
      'metadef_namespace.delete_tags',
      'metadef_object.delete',
      'metadef_namespace.delete',
    ],
  );
  const [, object, property, renamed] = mine().map(({ data }) => data.payload);
  assert.deepEqual([object!.name, object!.properties[0].title], ['o', 'P']);
  assert.deepEqual([property!.name, property!.minimum, property!.maximum], ['p', 3, null]);
  assert.deepEqual([renamed!.name, renamed!.name_old], ['q', 'p']);
});

test('an upload that fails is told with the reason', { skip }, async () => {
  const stream = await hear('caller');
  const { id } = await client.create(raw);
  await client.upload(id, bytes(100), { 'X-Tintype-Expected-Digest': `sha256=${'0'.repeat(64)}` });
  await stream.until('the failure', () => stream.typesOf(id).length >= 4);
  assert.deepEqual(stream.typesOf(id), ['image.create', 'image.prepare', 'image.upload', 'image.update']);
  const failed = stream.blocks.find(({ event }) => event === 'image.upload')!;
  assert.deepEqual([failed.data.priority, failed.data.payload.code], ['error', 'digest_mismatch']);
});

test('properties that are protected from a reader are not told', {
  skip: skip || needsOwnServer,
}, async () => {
  const { mkdtemp, rm, writeFile } = await import('node:fs/promises');
  const { tmpdir } = await import('node:os');
  const folder = await mkdtemp(`${tmpdir()}/tintype-events-`);
  const file = `${folder}/protections.conf`;
  await writeFile(
    file,
    '[secret]\ncreate=member\nread=admin\nupdate=admin\ndelete=admin\n[.*]\ncreate=member\nread=reader\nupdate=member\ndelete=member\n',
  );
  const guarded = await openTarget({ policy: { propertyProtections: file } });
  try {
    const [stream, all] = await Promise.all([
      listen(guarded, 'member'),
      listen(guarded, 'admin', '?all_projects=true'),
    ]);
    open.push(stream, all);
    const { id } = await new Client(guarded, 'member').create({ ...raw, secret: 'x', open: 'y' });
    await stream.until('the image', () => stream.typesOf(id).length >= 1);
    await all.until('the image', () => all.typesOf(id).length >= 1);
    assert.deepEqual(stream.blocks[0]!.data.payload.properties, { open: 'y' });
    assert.deepEqual(all.blocks[0]!.data.payload.properties, { secret: 'x', open: 'y' });
  } finally {
    await guarded.close();
    await rm(folder, { recursive: true });
  }
});

test('listeners are let go when the server stops, and only so many are taken', {
  skip: skip || needsOwnServer,
}, async () => {
  const small = await openTarget({ events: { maxListeners: 1 } });
  const stream = await listen(small, 'caller');
  refused(await new Client(small).get('/v2/events'), 'unavailable');
  await small.close();
  await stream.ended;
});
