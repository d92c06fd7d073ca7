/** Metadata definitions under an operator's own policy file. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { stringify } from 'yaml';
import { needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { type MetadefClient, metadefClient, refused } from './metadef-client.ts';

const skip = needsOwnServer;
let folder: string;
let target: Target;
let admin: MetadefClient;

/** `rules` over the defaults, from the next request on. */
async function policy(rules: Record<string, string>): Promise<void> {
  await writeFile(path.join(folder, 'policy.yaml'), stringify(rules));
}

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tintype-policy-'));
  await policy({});
  target = await openTarget({ policy: { file: path.join(folder, 'policy.yaml') } });
  if (skip !== false) return;
  admin = metadefClient(target, 'p1', 'admin');
  await admin.make({ namespace: 'Open', visibility: 'public', owner: 'p1', tags: [{ name: 't' }] });
});
after(async () => {
  await target.close();
  await rm(folder, { recursive: true });
});

const namespaceOwner = 'role:member and project_id:%(project_id)s';

test('members who may write do so in their own project only', { skip }, async () => {
  await policy({ metadef_admin: `rule:context_is_admin or (${namespaceOwner})` });
  const member = metadefClient(target, 'p2', 'member');
  const made = await member.make({ namespace: 'Mine', tags: [{ name: 'a' }] });
  assert.equal(made.owner, 'p2');
  refused(await member.post('/namespaces', { namespace: 'Theirs', owner: 'p1' }), 403, 'forbidden');
  refused(await member.put('/namespaces/Mine', { namespace: 'Mine', owner: 'p1' }), 403, 'forbidden');
  assert.equal((await member.put('/namespaces/Mine', { namespace: 'Ours' })).status, 200);
  assert.equal((await member.post('/namespaces/Ours/tags/b')).status, 201);
  refused(await member.post('/namespaces/Open/tags/b'), 403, 'forbidden');
  refused(await member.delete('/namespaces/Open'), 403, 'forbidden');
  refused(await metadefClient(target, 'p3', 'member').delete('/namespaces/Ours'), 404, 'namespace_not_found');
  assert.equal((await member.delete('/namespaces/Ours')).status, 204);
});

test('a namespace cannot be taken by who may change it', { skip }, async () => {
  await policy({ modify_metadef_namespace: 'role:member' });
  const member = metadefClient(target, 'p2', 'member');
  refused(await member.put('/namespaces/Open', { namespace: 'Open' }), 403, 'forbidden', /administrator/);
  refused(await member.put('/namespaces/Open', { namespace: 'Open', owner: 'p2' }), 403, 'forbidden');
  const kept = { namespace: 'Open', owner: 'p1', visibility: 'public', description: 'By another' };
  assert.equal((await member.put('/namespaces/Open', kept)).json.description, 'By another');
});

test('what a namespace may nest is judged kind by kind', { skip }, async () => {
  const tags = { namespace: 'Nested', tags: [{ name: 't' }] };
  await policy({ add_metadef_tag: '!' });
  refused(await admin.post('/namespaces', tags), 403, 'forbidden', /add_metadef_tag /);
  await admin.make({ namespace: 'Nested' });
  assert.equal((await admin.post('/namespaces/Nested/tags', { tags: tags.tags })).status, 201);
  await policy({ delete_metadef_tags: '!' });
  refused(await admin.delete('/namespaces/Nested/tags'), 403, 'forbidden', /delete_metadef_tags /);
  assert.equal((await admin.delete('/namespaces/Nested/tags/t')).status, 204);
});

test('a namespace that a rule hides is not there', { skip }, async () => {
  const reader = metadefClient(target, 'p2', 'reader');
  const listed = async () =>
    (await reader.get('/namespaces?limit=1')).json.namespaces.map(
      (one: { namespace: string }) => one.namespace,
    );
  await policy({});
  assert.deepEqual(await listed(), ['Open']);
  await policy({ get_metadef_namespace: 'rule:context_is_admin or project_id:%(owner)s' });
  assert.deepEqual(await listed(), []);
  refused(await reader.get('/namespaces/Open'), 404, 'namespace_not_found');
  await admin.make({ namespace: 'Of p2', owner: 'p2' });
  assert.deepEqual(await listed(), ['Of p2']);
  await policy({ get_metadef_tags: '!' });
  refused(await reader.get('/namespaces/Open/tags'), 403, 'forbidden', /get_metadef_tags /);
  refused(await reader.get('/namespaces/Open'), 403, 'forbidden', /get_metadef_tags /);
  await policy({ get_metadef_tag: '!' });
  assert.deepEqual((await reader.get('/namespaces/Open/tags')).json, { tags: [] });
  refused(await reader.get('/namespaces/Open/tags/t'), 403, 'forbidden', /get_metadef_tag /);
});
