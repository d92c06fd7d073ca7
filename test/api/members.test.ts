/** Sharing images with projects, and taking them out of service (API sections 2, 3 and 7). */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { differs, inProject, needsHeaders, openTarget, type Target } from '../support/target.ts';

const skip = needsHeaders;
let target: Target;
before(async () => {
  target = await openTarget({ images: { maxMembers: 3 } });
});
after(() => target.close());

const owner = inProject('owner', 'member');
const partner = inProject('partner', 'member');
const stranger = inProject('stranger', 'member');
const admin = inProject('operator', 'admin');

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what the server sends is what the test checks.
  readonly json: any;
}

async function call(
  who: Record<string, string>,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const answer = await fetch(`${target.url}/v2${path}`, {
    method,
    headers: who,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    get json() {
      return text === '' ? null : JSON.parse(text);
    },
  };
}

async function create(fields: Record<string, unknown> = {}): Promise<string> {
  const { status, json } = await call(owner, 'POST', '/images', fields);
  assert.equal(status, 201, JSON.stringify(json));
  target.tidyLater(() => call(admin, 'DELETE', `/images/${json.id}`));
  return json.id;
}

async function listed(who: Record<string, string>, query = ''): Promise<string[]> {
  const { json } = await call(who, 'GET', `/images?limit=1000${query}`);
  return json.images.map(({ id }: { id: string }) => id);
}

test('an image is shared, accepted, seen in lists, and taken back', { skip }, async () => {
  const id = await create();
  assert.equal((await call(partner, 'GET', `/images/${id}`)).status, 404);

  const added = await call(owner, 'POST', `/images/${id}/members`, { member: 'partner' });
  assert.equal(added.status, 200);
  const { created_at, updated_at, ...rest } = added.json;
  assert.deepEqual(rest, {
    image_id: id,
    member_id: 'partner',
    status: 'pending',
    schema: '/v2/schemas/member',
  });
  assert.match(created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(updated_at, created_at);

  assert.equal((await call(partner, 'GET', `/images/${id}`)).status, 200, 'pending members read by id');
  assert.ok(!(await listed(partner)).includes(id), 'pending images are not listed');
  assert.ok((await listed(partner, '&member_status=pending')).includes(id));
  assert.ok((await listed(partner, '&visibility=shared&member_status=all')).includes(id));

  assert.equal(
    (await call(partner, 'PUT', `/images/${id}/members/partner`, { status: 'accepted' })).status,
    200,
  );
  assert.ok((await listed(partner)).includes(id));
  assert.equal(
    (await call(partner, 'PUT', `/images/${id}/members/partner`, { status: 'rejected' })).status,
    200,
  );
  assert.ok(!(await listed(partner)).includes(id));
  assert.equal(
    (await call(partner, 'GET', `/images/${id}`)).status,
    200,
    'rejected members still read by id',
  );

  assert.equal((await call(owner, 'DELETE', `/images/${id}/members/partner`)).status, 204);
  assert.equal((await call(partner, 'GET', `/images/${id}`)).status, 404);
  assert.equal((await call(owner, 'DELETE', `/images/${id}/members/partner`)).status, 404);
});

test('a member sees only itself, a stranger nothing', { skip }, async () => {
  const id = await create();
  for (const member of ['partner', 'third']) await call(owner, 'POST', `/images/${id}/members`, { member });
  const { json: all } = await call(owner, 'GET', `/images/${id}/members`);
  assert.deepEqual(
    all.members.map((member: { member_id: string }) => member.member_id),
    ['partner', 'third'],
  );
  assert.equal(all.schema, '/v2/schemas/members');
  const { json: own } = await call(partner, 'GET', `/images/${id}/members`);
  assert.deepEqual(
    own.members.map((member: { member_id: string }) => member.member_id),
    ['partner'],
  );
  assert.equal((await call(partner, 'GET', `/images/${id}/members/partner`)).status, 200);
  assert.equal((await call(partner, 'GET', `/images/${id}/members/third`)).status, 404);
  assert.equal((await call(stranger, 'GET', `/images/${id}/members`)).status, 404);
  assert.equal(
    (await call(stranger, 'PUT', `/images/${id}/members/stranger`, { status: 'accepted' })).status,
    404,
  );
});

test('only the project itself answers, only the owner shares', { skip }, async () => {
  const id = await create();
  await call(owner, 'POST', `/images/${id}/members`, { member: 'partner' });
  assert.equal(
    (await call(owner, 'PUT', `/images/${id}/members/partner`, { status: 'accepted' })).status,
    403,
  );
  assert.equal(
    (await call(admin, 'PUT', `/images/${id}/members/partner`, { status: 'accepted' })).status,
    200,
  );
  assert.equal((await call(partner, 'POST', `/images/${id}/members`, { member: 'third' })).status, 403);
  assert.equal((await call(partner, 'DELETE', `/images/${id}/members/partner`)).status, 403);
  assert.equal((await call(partner, 'DELETE', `/images/${id}`)).status, 403);
  const patched = await fetch(`${target.url}/v2/images/${id}`, {
    method: 'PATCH',
    headers: { ...partner, 'Content-Type': 'application/openstack-images-v2.1-json-patch' },
    body: '[{"op":"replace","path":"/name","value":"mine"}]',
  });
  assert.equal(patched.status, 403);
});

test('what cannot be shared, and what cannot be said', { skip }, async () => {
  const shared = await create();
  assert.equal((await call(owner, 'POST', `/images/${shared}/members`, {})).status, 400);
  assert.equal((await call(owner, 'POST', `/images/${shared}/members`, { member: '' })).status, 400);
  if (differs('A member may be a number or contain NUL.') === false)
    for (const member of [7, 'a\0b'])
      assert.equal((await call(owner, 'POST', `/images/${shared}/members`, { member })).status, 400);
  await call(owner, 'POST', `/images/${shared}/members`, { member: 'partner' });
  assert.equal((await call(owner, 'POST', `/images/${shared}/members`, { member: 'partner' })).status, 409);
  assert.equal(
    (await call(partner, 'PUT', `/images/${shared}/members/partner`, { status: 'maybe' })).status,
    400,
  );
  assert.equal((await call(owner, 'GET', `/images/${shared}/members/third`)).status, 404);
  if (target.server !== null) {
    for (const member of ['two', 'three']) await call(owner, 'POST', `/images/${shared}/members`, { member });
    assert.equal((await call(owner, 'POST', `/images/${shared}/members`, { member: 'four' })).status, 413);
  }

  const secret = await create({ visibility: 'private' });
  assert.equal((await call(owner, 'POST', `/images/${secret}/members`, { member: 'partner' })).status, 403);
  assert.equal((await call(owner, 'GET', `/images/${secret}/members`)).status, 403);
});

test('the members go with the image', { skip }, async () => {
  const id = await create();
  await call(owner, 'POST', `/images/${id}/members`, { member: 'partner' });
  assert.equal((await call(owner, 'DELETE', `/images/${id}`)).status, 204);
  assert.equal((await call(partner, 'GET', `/images/${id}/members`)).status, 404);
});

test('a deactivated image is shown but not downloaded, except by an administrator', { skip }, async () => {
  const id = await create({ disk_format: 'raw', container_format: 'bare' });
  assert.equal((await call(owner, 'POST', `/images/${id}/actions/deactivate`)).status, 403, 'queued');
  const data = {
    method: 'PUT',
    headers: { ...owner, 'Content-Type': 'application/octet-stream' },
    body: 'bytes',
  };
  assert.equal((await fetch(`${target.url}/v2/images/${id}/file`, data)).status, 204);
  for (const _again of [1, 2])
    assert.equal((await call(owner, 'POST', `/images/${id}/actions/deactivate`)).status, 204);
  assert.equal((await call(owner, 'GET', `/images/${id}`)).json.status, 'deactivated');
  const download = (who: Record<string, string>) =>
    fetch(`${target.url}/v2/images/${id}/file`, { headers: who });
  assert.equal((await download(owner)).status, 403);
  assert.equal((await download(admin)).status, 200);
  for (const _again of [1, 2])
    assert.equal((await call(owner, 'POST', `/images/${id}/actions/reactivate`)).status, 204);
  assert.equal(await (await download(owner)).text(), 'bytes');
  assert.equal((await call(stranger, 'POST', `/images/${id}/actions/deactivate`)).status, 404);
});

test('without quotas the usage is empty', { skip }, async () => {
  assert.deepEqual((await call(owner, 'GET', '/info/usage')).json, { usage: {} });
});
