/** Who sees, reads and changes what: visibilities, roles, projects (API section 2). */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { differs, needs, needsOwnServer, openTarget, type Role, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes } from './bytes.ts';
import { type Answer, Client, type Json } from './client.ts';

const skip = needs('admin', 'member', 'reader', 'other');
const data = bytes(1000);
const mark = `access-${randomUUID()}`;
let target: Target;
/** Active images of the project of `member` and `reader`, by visibility; and one of nobody. */
let images: Record<string, Json> = {};

before(async () => {
  target = await openTarget();
  if (skip !== false) return;
  const member = new Client(target, 'member');
  const admin = new Client(target, 'admin');
  const fields = { tags: [mark] };
  images = {
    private: await member.createActive(data, { ...fields, visibility: 'private' }),
    shared: await member.createActive(data, { ...fields, visibility: 'shared' }),
    community: await member.createActive(data, { ...fields, visibility: 'community' }),
    public: await admin.createActive(data, {
      ...fields,
      visibility: 'public',
      owner: await projectOf(member),
    }),
    ownerless: await admin.createActive(data, { ...fields, visibility: 'private', owner: null }),
  };
});
after(() => target.close());

async function projectOf(client: Client): Promise<string> {
  const { id, owner } = await client.create();
  await client.delete(`/v2/images/${id}`);
  return owner;
}

type Attempt = (client: Client, id: string) => Promise<Answer>;

/** Everything that can be tried on an image, such that nothing changes where it succeeds. */
const attempts: Record<string, { readonly attempt: Attempt; readonly success: number }> = {
  show: { attempt: (client, id) => client.show(id), success: 200 },
  tasks: { attempt: (client, id) => client.get(`/v2/images/${id}/tasks`), success: 200 },
  download: { attempt: (client, id) => client.download(id), success: 200 },
  change: {
    attempt: (client, id) => client.patch(id, [{ op: 'replace', path: '/name', value: null }]),
    success: 200,
  },
  'change nothing': { attempt: (client, id) => client.patch(id, []), success: 200 },
  tag: { attempt: (client, id) => client.put(`/v2/images/${id}/tags/${mark}`), success: 204 },
  // Who may upload is told that the image has its data.
  upload: { attempt: (client, id) => client.upload(id, data), success: 409 },
  // Who may untag is told that there is no such tag; 404 with another reason than an invisible image.
  untag: { attempt: (client, id) => client.delete(`/v2/images/${id}/tags/none`), success: 404 },
  // Who may delete is told that the image has changed.
  delete: {
    attempt: (client, id) => client.delete(`/v2/images/${id}`, { 'If-Match': '"other"' }),
    success: 412,
  },
};

const reading = ['show', 'tasks'];
const everything = Object.keys(attempts);
/** What each caller may do with each kind of image; null: it is invisible. */
const rights: Record<string, Partial<Record<Role, readonly string[] | null>>> = {
  private: { member: everything, reader: reading, other: null, admin: everything },
  shared: { member: everything, reader: reading, other: null, admin: everything },
  community: { member: everything, reader: reading, other: [...reading, 'download'], admin: everything },
  public: { member: everything, reader: reading, other: [...reading, 'download'], admin: everything },
  ownerless: {
    member: [...reading, 'download'],
    reader: reading,
    other: [...reading, 'download'],
    admin: everything,
  },
};

/** Attempts whose outcome is another there. */
const unlikeReference: Record<string, string | false> = {
  'change nothing': differs('A patch without operations is 200 for whoever sees the image.'),
  delete: differs('If-Match is ignored.'),
};
const ownerless = differs('An image without owner is hidden from projects; later versions show it.');

for (const [kind, byRole] of Object.entries(rights))
  for (const [role, may] of Object.entries(byRole) as [Role, readonly string[] | null][])
    test(`${role} and an image that is ${kind}`, {
      skip: skip || (kind === 'ownerless' && role !== 'admin' && ownerless),
    }, async () => {
      const client = new Client(target, role);
      const { id } = images[kind];
      for (const [name, { attempt, success }] of Object.entries(attempts)) {
        if (may !== null && unlikeReference[name]) continue;
        const answer = await attempt(client, id);
        const expected = may === null ? 404 : may.includes(name) ? success : 403;
        assert.equal(answer.status, expected, `${name}: ${answer.body}`);
        if (answer.status === 404) refused(answer, may === null ? 'image_not_found' : 'tag_not_found');
      }
    });

/** Which of the kinds this caller finds with the query. */
async function listed(role: Role, query = ''): Promise<string[]> {
  const ids = await new Client(target, role).ids(`tag=${mark}${query}`);
  return Object.entries(images)
    .filter(([, { id }]) => ids.includes(id))
    .map(([kind]) => kind)
    .sort();
}

test('lists show the own images and public ones', { skip }, async () => {
  for (const role of ['member', 'reader'] as const) {
    assert.deepEqual(await listed(role), ['community', 'private', 'public', 'shared']);
    assert.deepEqual(await listed(role, '&visibility=all'), ['community', 'private', 'public', 'shared']);
  }
  assert.deepEqual(await listed('other'), ['public']);
});

test('community images of others are listed on request', { skip }, async () => {
  assert.deepEqual(await listed('other', '&visibility=community'), ['community']);
  assert.deepEqual(await listed('other', '&visibility=all'), ['community', 'public']);
  assert.deepEqual(await listed('other', '&visibility=public'), ['public']);
});

test('what is private or shared elsewhere is never listed', { skip }, async () => {
  for (const query of ['private', 'shared'])
    assert.deepEqual(await listed('other', `&visibility=${query}`), []);
  const { owner } = images.private;
  assert.deepEqual(await listed('other', `&owner=${encodeURIComponent(owner)}`), ['public']);
  assert.deepEqual(await listed('other', `&id=${images.private.id}`), []);
  assert.deepEqual(await listed('other', `&checksum=${images.private.checksum}`), ['public']);
});

test('an administrator finds every image, community images of others on request', { skip }, async () => {
  assert.deepEqual(await listed('admin'), ['ownerless', 'private', 'public', 'shared']);
  assert.deepEqual(await listed('admin', '&visibility=community'), ['community']);
  assert.deepEqual(await listed('admin', '&visibility=all'), Object.keys(images).sort());
  assert.deepEqual(await listed('admin', '&visibility=private'), ['ownerless', 'private']);
  assert.deepEqual(await listed('admin', '&visibility=shared'), ['shared']);
});

test('an image of the own project that is also public is listed once', { skip }, async () => {
  const ids = await new Client(target, 'member').ids(`tag=${mark}`);
  assert.equal(new Set(ids).size, ids.length);
});

test('hidden images stay readable by id', { skip }, async () => {
  const member = new Client(target, 'member');
  const { id } = await member.createActive(data, { os_hidden: true, visibility: 'community' });
  for (const role of ['member', 'other'] as const) {
    const client = new Client(target, role);
    assert.equal((await client.show(id)).json.os_hidden, true);
    assert.deepEqual((await client.download(id)).body, data);
  }
  assert.ok(!(await member.ids('limit=1000')).includes(id));
  assert.ok((await member.ids('limit=1000&os_hidden=true')).includes(id));
});

test('tasks are for the project that owns them', {
  skip: skip || differs('An upload leaves no task.'),
}, async () => {
  const { id } = images.community;
  const seen = async (role: Role) => (await new Client(target, role).tasks(id)).length;
  assert.deepEqual([await seen('member'), await seen('admin'), await seen('other')], [1, 1, 0]);
});

test('visibility changes hands only by who may give it', { skip }, async () => {
  const member = new Client(target, 'member');
  const admin = new Client(target, 'admin');
  const { id } = await member.create({ visibility: 'private' });
  const set = (client: Client, visibility: string) =>
    client.patch(id, [{ op: 'replace', path: '/visibility', value: visibility }]);
  for (const visibility of ['shared', 'community', 'private'])
    assert.equal((await set(member, visibility)).json.visibility, visibility);
  assert.equal((await set(member, 'public')).status, 403);
  assert.equal((await set(admin, 'public')).json.visibility, 'public');
  assert.equal((await set(member, 'private')).json.visibility, 'private');
});

test('a caller without a role sees and does nothing', { skip: needsOwnServer }, async () => {
  const nobody = { 'X-Roles': 'unknown' };
  const client = new Client(target, 'member');
  assert.equal((await client.get('/v2/images', nobody)).status, 403);
  assert.equal((await client.post('/v2/images', {}, nobody)).status, 403);
  for (const { id } of Object.values(images))
    assert.equal((await client.get(`/v2/images/${id}`, nobody)).status, 404);
});

test("a caller without a project sees what is everybody's", { skip: needsOwnServer }, async () => {
  const headers = { 'X-Project-Id': undefined };
  const client = new Client(target, 'member');
  assert.equal((await client.post('/v2/images', {}, headers)).status, 403);
  const page = (await client.get(`/v2/images?tag=${mark}`, headers)).json.images;
  assert.deepEqual(
    page.map(({ id }: Json) => id),
    [images.public.id],
  );
  for (const [kind, status] of [
    ['private', 404],
    ['shared', 404],
    ['public', 200],
    ['ownerless', 200],
  ] as const)
    assert.equal((await client.get(`/v2/images/${images[kind].id}`, headers)).status, status, kind);
  assert.equal((await client.patch(images.ownerless.id, [], 'v2.1', headers)).status, 403);
});

test('roles count in any letters, and the project of X-Tenant-Id is the second choice', {
  skip: needsOwnServer,
}, async () => {
  const client = new Client(target, 'member');
  const { id } = images.private;
  assert.equal((await client.get(`/v2/images/${id}`, { 'X-Roles': ' Other , MEMBER' })).status, 200);
  const tenant = { 'X-Project-Id': undefined, 'X-Tenant-Id': images.private.owner };
  assert.equal((await client.get(`/v2/images/${id}`, tenant)).status, 200);
  const both = { 'X-Project-Id': 'elsewhere', 'X-Tenant-Id': images.private.owner };
  assert.equal((await client.get(`/v2/images/${id}`, both)).status, 404);
});

test('only "Confirmed" is an identity', { skip: needsOwnServer }, async () => {
  const client = new Client(target, 'admin');
  for (const status of [undefined, 'Invalid', '', 'Confirmed, Invalid', 'yes'])
    assert.equal((await client.get('/v2/images', { 'X-Identity-Status': status })).status, 401, status);
});
