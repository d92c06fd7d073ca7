/** Between projects: what is another's and private cannot be read, changed, or told from what is not there. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type Route, routes } from '@tintype/contract';
import {
  differs,
  inProject,
  needs,
  needsHeaders,
  openTarget,
  type Role,
  type Target,
} from '../support/target.ts';
import { bytes } from './bytes.ts';
import { type Answer, type Call, Client, type Json, raw } from './client.ts';
import { SlowUpload } from './slow-upload.ts';

const skip = needs('member', 'reader', 'other');
const secret = `secret-${randomUUID()}`;
const data = bytes(4096, 99);
let target: Target;
/** Of the project of `member`: private and shared images in every status that can be made from outside. */
let hidden: Json[] = [];
let saving: SlowUpload;

before(async () => {
  target = await openTarget();
  if (skip !== false) return;
  const member = new Client(target, 'member');
  const fields = { ...raw, name: secret, tags: [secret], [secret]: secret };
  for (const visibility of ['private', 'shared']) {
    hidden.push(await member.create({ ...fields, visibility }));
    hidden.push(await member.create({ visibility, protected: true, os_hidden: true, tags: [secret] }));
    hidden.push(await member.createActive(data, { ...fields, visibility }));
  }
  const uploading = await member.create({ ...fields, visibility: 'private' });
  saving = new SlowUpload(target, 'member', uploading.id);
  await saving.write(data);
  while ((await member.status(uploading.id)) !== 'saving') await saving.write(Buffer.alloc(0));
  hidden.push(uploading);
  hidden = await Promise.all(hidden.map(async ({ id }) => (await member.show(id)).json));
});
after(async () => {
  saving?.cut();
  await target.close();
});

/** What the answers to two ids must have in common: everything but the id itself, and what changes every time. */
function shape(answer: Answer, id: string): unknown {
  const {
    date: _date,
    'x-openstack-request-id': _request,
    'content-length': _length,
    ...headers
  } = answer.headers;
  return { status: answer.status, headers, body: answer.body.toString().replaceAll(id, 'ID') };
}

const patchType = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' };
const dataType = { 'Content-Type': 'application/octet-stream' };

/** Requests to a route below one image, well formed and not. */
const callsOf: Partial<Record<Route['body'], readonly Call[]>> & Record<'none', readonly Call[]> = {
  none: [
    {},
    { headers: { 'If-None-Match': '*' } },
    { headers: { 'If-Match': '"x"' } },
    { headers: { Range: 'bytes=0-1' } },
    { headers: { Range: 'bytes=99999-' } },
  ],
  json: [
    { json: { method: { name: 'glance-direct' } } },
    { json: { method: { name: 'copy-image' }, all_stores: true } },
    { json: { method: { name: 'none' } } },
    { json: [], headers: patchType },
    { json: [{ op: 'replace', path: '/name', value: 'mine' }], headers: patchType },
    { json: [{ op: 'replace', path: '/visibility', value: 'public' }], headers: patchType },
    { json: [{ op: 'replace', path: '/owner', value: 'me' }], headers: patchType },
    { json: [{ op: 'remove', path: `/${secret}` }], headers: patchType },
    { json: [{ op: 'replace', path: '/disk_format', value: 'qcow2' }], headers: patchType },
    { json: [], headers: { ...patchType, 'If-Match': '"x"' } },
    { json: [{ op: 'replace', path: '/size', value: 5 }], headers: patchType },
    { json: [{ op: 'remove', path: '/locations/0' }], headers: patchType },
    { json: { member: 'me' } },
    { json: { status: 'accepted' } },
    { json: { url: 'https://one.example/image' } },
    { json: { url: 'file:///etc/passwd', validation_data: {} } },
  ],
  data: [
    { body: bytes(10), headers: dataType },
    { body: bytes(10), headers: { ...dataType, Expect: '100-continue' } },
    { body: Buffer.alloc(0), headers: dataType },
    { body: bytes(10), headers: { ...dataType, 'X-OpenStack-Image-Size': '9' } },
    { body: bytes(10), headers: { ...dataType, 'X-Tintype-Expected-Digest': `md5=${'0'.repeat(32)}` } },
  ],
};

const imageRoutes = (Object.entries(routes) as [string, Route][]).filter(([, { path }]) =>
  path.includes(':image_id'),
);

for (const [name, route] of imageRoutes)
  test(`${name}: another's image is like one that is not there`, { skip }, async () => {
    const other = new Client(target, 'other');
    for (const tag of route.path.includes(':tag') ? [secret, 'none'] : [''])
      for (const call of callsOf[route.body] ?? []) {
        const at = (id: string) => route.path.replace(':image_id', id).replace(':tag', tag);
        const absent = randomUUID();
        const expected = shape(await other.call(route.method, at(absent), call), absent);
        for (const { id } of hidden) {
          const answer = await other.call(route.method, at(id), call);
          assert.deepEqual(shape(answer, id), expected, `${route.method} ${at(id)} ${JSON.stringify(call)}`);
          assert.ok(!answer.body.includes(secret) || tag === secret);
        }
      }
  });

const namespace = `hidden-${randomUUID()}`;
const namespaceRoutes = (Object.entries(routes) as [string, Route][]).filter(([, { path }]) =>
  path.includes(':namespace'),
);
/** Documents that one of these routes or another takes. */
const definitions: readonly Call[] = [
  { json: { namespace: 'mine' } },
  { json: { name: 'one' } },
  { json: { name: 'one', title: 'One', type: 'string' } },
  { json: { tags: [{ name: 'one' }] } },
];

test("another's namespace and all it defines is like one that is not there", {
  skip:
    skip ||
    needs('admin') ||
    differs('A hidden namespace and an unknown one are refused in different words.'),
}, async () => {
  const admin = new Client(target, 'admin');
  const other = new Client(target, 'other');
  const made = await admin.call('POST', '/v2/metadefs/namespaces', {
    json: {
      ...{ namespace, owner: hidden[0].owner, description: secret, objects: [{ name: 'one' }] },
      ...{ properties: { one: { title: 'One', type: 'string' } }, tags: [{ name: 'one' }] },
      resource_type_associations: [{ name: 'one' }],
    },
  });
  assert.equal(made.status, 201, made.body.toString());
  target.tidyLater(() => admin.delete(`/v2/metadefs/namespaces/${namespace}`));
  for (const [name, route] of namespaceRoutes)
    for (const call of route.body === 'json' ? definitions : [{}, { headers: { 'If-Match': '"x"' } }])
      for (const inner of route.path.includes(':name') ? ['one', 'none'] : ['']) {
        const at = (space: string) => route.path.replace(':namespace', space).replace(':name', inner);
        const absent = `hidden-${randomUUID()}`;
        const expected = shape(await other.call(route.method, at(absent), call), absent);
        const answer = await other.call(route.method, at(namespace), call);
        assert.deepEqual(shape(answer, namespace), expected, `${name} ${inner} ${JSON.stringify(call)}`);
        assert.ok(!answer.body.includes(secret), name);
      }
});

/** Of each of three projects: an image, a namespace, an import and an export that are its own. */
const actionRoutes = (Object.entries(routes) as [string, Route][]).filter(([, { path }]) =>
  path.includes(':action_id'),
);
const owners = ['project-one', 'project-two', 'project-three'];
const outsiders: readonly (string | null)[] = [...owners, null];

/** `first` of `Call`s of a route that are well formed, most of them. */
function firstCall(route: Route): Call {
  return (callsOf[route.body] ?? callsOf.none)[0]!;
}

test('no route tells any project of what is in any other', {
  skip:
    skip || needsHeaders || differs('A hidden namespace and an unknown one are refused in different words.'),
}, async () => {
  const admin = new Client(target, 'admin');
  const anybody = new Client(target, 'other');
  const call = (project: string | null, method: string, path: string, more: Call) => {
    // A header that is undefined is not sent.
    const identity = { 'X-Project-Id': undefined, ...inProject(project, 'member') };
    return anybody.call(method, path, { ...more, headers: { ...identity, ...more.headers } });
  };
  for (const owner of owners) {
    const image = await call(owner, 'POST', '/v2/images', { json: { ...raw, name: secret } });
    const body = { body: data, headers: dataType };
    assert.equal((await call(owner, 'PUT', `/v2/images/${image.json.id}/file`, body)).status, 204);
    const space = `hidden-${randomUUID()}`;
    const document = { namespace: space, owner, objects: [{ name: 'one' }], description: secret };
    assert.equal((await admin.post('/v2/metadefs/namespaces', document)).status, 201);
    const own = await call(owner, 'GET', `/v2/metadefs/namespaces/${space}`, {});
    assert.equal(own.status, 200, 'the owner has it');
    // Nothing is there to be fetched: that the import fails, or waits, is as good.
    const order = { location: 'https://nowhere.invalid/disk', image_properties: { ...raw, name: secret } };
    const action = await call(owner, 'POST', '/v2/image-imports', { json: order });
    assert.equal(action.status, 201, action.body.toString());
    const away = { image_ref: image.json.id, location: 'https://nowhere.invalid/disk' };
    const sent = await call(owner, 'POST', '/v2/image-exports', { json: away });
    assert.equal(sent.status, 201, sent.body.toString());
    for (const outsider of outsiders)
      if (outsider !== owner)
        for (const [name, route] of [...imageRoutes, ...namespaceRoutes, ...actionRoutes]) {
          const { path } = route;
          const work = path.startsWith('/v2/image-exports/') ? sent : action;
          const inAction = path.includes(':action_id') ? work.json.id : space;
          const known = path.includes(':image_id') ? image.json.id : inAction;
          const at = (id: string) =>
            path.replace(/:image_id|:namespace|:action_id/, id).replace(':name', 'one');
          const absent = randomUUID();
          const ask = (id: string) => call(outsider, route.method, at(id), firstCall(route));
          const expected = shape(await ask(absent), absent);
          const answer = await ask(known);
          assert.deepEqual(shape(answer, known), expected, `${name} of ${owner} by ${outsider}`);
          assert.ok(!answer.body.includes(secret), name);
        }
  }
});

test('every route is among those that are tried between projects, or names nothing of theirs', () => {
  const tried = new Set([...imageRoutes, ...namespaceRoutes, ...actionRoutes].map(([name]) => name));
  const others = (Object.entries(routes) as [string, Route][])
    .filter(([name, { path }]) => !tried.has(name) && path.includes(':'))
    .map(([name]) => name);
  // Tasks are for administrators of all projects; anybody else is told so before any is looked for.
  assert.deepEqual(others, ['showTask']);
});

/** Chance that a value of `one` is greater than one of `other`: a half when they come from the same. */
function chanceOfMore(one: readonly number[], other: readonly number[]): number {
  let more = 0;
  for (const value of one)
    for (const against of other) more += value > against ? 1 : value === against ? 0.5 : 0;
  return more / (one.length * other.length);
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)]!;
}

test("another's image takes as long as one that is not there", { skip }, async (t) => {
  const other = new Client(target, 'other');
  const [image] = hidden.filter(({ status }) => status === 'active');
  for (const [name, route] of imageRoutes) {
    const ask = async (id: string) => {
      const begin = performance.now();
      await other.call(
        route.method,
        route.path.replace(':image_id', id).replace(':tag', 'x'),
        firstCall(route),
      );
      return performance.now() - begin;
    };
    const [known, absent]: [number[], number[]] = [[], []];
    // In turn, so that whatever else the machine does meets both.
    for (let round = 0; round < 40; round += 1) {
      known.push(await ask(image.id));
      absent.push(await ask(randomUUID()));
    }
    const chance = chanceOfMore(known, absent);
    const apart = Math.abs(median(known) - median(absent));
    t.diagnostic(`${name}: ${chance.toFixed(2)}, ${apart.toFixed(2)} ms`);
    // On a machine that does nothing else even microseconds are more than noise; nobody sees them through a network.
    assert.ok(Math.abs(chance - 0.5) < 0.35 || apart < 1, `${name}: slower in ${chance * 100} of 100`);
  }
});

test("nothing of another's images shows in any list", { skip }, async () => {
  const other = new Client(target, 'other');
  const [image] = hidden;
  const ids = new Set(hidden.map(({ id }) => id));
  for (const query of [
    '',
    'visibility=all',
    'visibility=private',
    'visibility=shared',
    'visibility=shared&member_status=all',
    'os_hidden=true',
    'os_hidden=true&visibility=all',
    'protected=true',
    `owner=${encodeURIComponent(image.owner)}`,
    `name=${secret}`,
    `name=in:${secret},x`,
    `tag=${secret}`,
    `${secret}=${secret}`,
    `id=${image.id}`,
    `id=in:${hidden.map(({ id }) => id).join(',')}`,
    `checksum=${hidden[2].checksum}`,
    `os_hash_value=${hidden[2].os_hash_value}`,
    'size_min=1',
    'status=saving',
    'sort=name:asc',
    'sort=id:asc',
    'created_at=gt:2000-01-01T00:00:00Z',
  ]) {
    const answer = await other.get(`/v2/images?limit=1000&${query}`);
    assert.equal(answer.status, 200, query);
    for (const { id } of answer.json.images) assert.ok(!ids.has(id), `${query} shows ${id}`);
    const links = JSON.stringify([answer.json.first, answer.json.next]);
    assert.ok(
      !answer.body.toString().replace(links, '').includes(image.owner) || query.includes('owner='),
      query,
    );
  }
});

test("a marker of another's image is like one that is not there", {
  skip: skip || differs('A marker that another project hides is 403.'),
}, async () => {
  const other = new Client(target, 'other');
  const absent = randomUUID();
  for (const query of ['', '&sort=name:asc', '&visibility=all']) {
    const expected = shape(await other.get(`/v2/images?marker=${absent}${query}`), absent);
    for (const { id } of hidden)
      assert.deepEqual(shape(await other.get(`/v2/images?marker=${id}${query}`), id), expected);
  }
});

test('an id in use elsewhere is taken, and that is all there is to learn', { skip }, async () => {
  const other = new Client(target, 'other');
  for (const { id } of hidden) {
    const answer = await other.post('/v2/images', { id });
    assert.equal(answer.status, 409);
    assert.ok(!answer.body.includes(secret));
  }
});

test('names of users and projects do not leak into refusals', { skip }, async () => {
  const member = new Client(target, 'member');
  const { id, owner } = await member.create({ visibility: 'community', protected: true });
  const other = new Client(target, 'other');
  for (const answer of [
    await other.patch(id, [{ op: 'replace', path: '/name', value: 'x' }]),
    await other.delete(`/v2/images/${id}`),
    await other.upload(id, data),
    await other.put(`/v2/images/${id}/tags/x`),
  ]) {
    assert.equal(answer.status, 403);
    assert.ok(!answer.body.toString().includes(owner), answer.body.toString());
  }
  assert.deepEqual(await other.tasks(id), []);
});

test('nothing of it all changed anything', { skip }, async () => {
  const member = new Client(target, 'member');
  for (const before of hidden) assert.deepEqual((await member.show(before.id)).json, before);
  for (const { id } of hidden.filter(({ status }) => status === 'active'))
    assert.deepEqual((await member.download(id)).body, data);
  assert.equal((await saving.finish()).status, 204, 'the upload under way went on');
});

test('a role in one project is no role in another', { skip }, async () => {
  const [image] = hidden;
  for (const [role, status] of [
    ['member', 200],
    ['reader', 200],
    ['other', 404],
  ] as [Role, number][])
    assert.equal((await new Client(target, role).show(image.id)).status, status, role);
});
