/** Property protection files: by role and by policy rule. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createLog } from '../base/log.ts';
import { createCaller } from '../identity/caller.ts';
import { openPolicy } from './policy.ts';
import { openProtections, PropertyProtectionError, readProtections } from './property-protections.ts';

const log = createLog('silent');
const policy = openPolicy(null, log);
const member = createCaller({ userId: 'u', projectId: 'p1', roles: ['member'] });
const admin = createCaller({ userId: 'u', projectId: 'p9', roles: ['admin'] });

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tintype-protections-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const text = `
# licences are ours
[^x_licence_.*]
create = admin
read = admin, Member
update = admin
delete = !

[.*]
create = @
read = @
update = @
delete = @
`;

test('the first section that fits decides', async () => {
  const file = path.join(folder, 'protections.conf');
  await writeFile(file, text);
  const protections = openProtections(file, 'roles', policy, log);
  assert.equal(protections.isAllowed('read', 'x_licence_id', member), true);
  assert.equal(protections.isAllowed('create', 'x_licence_id', member), false);
  assert.equal(protections.isAllowed('create', 'x_licence_id', admin), true);
  assert.equal(protections.isAllowed('delete', 'x_licence_id', admin), false);
  assert.equal(protections.isAllowed('delete', 'os_distro', member), true);
  assert.throws(() => protections.require('update', 'x_licence_id', member), /'x_licence_id' is protected/);
});

test('what no section fits is closed', async () => {
  const file = path.join(folder, 'few.conf');
  await writeFile(file, '[^a$]\ncreate=@\nread=@\nupdate=@\ndelete=@\n');
  const protections = openProtections(file, 'roles', policy, log);
  assert.equal(protections.isAllowed('read', 'a', member), true);
  assert.equal(protections.isAllowed('read', 'b', admin), false);
});

test('policies are rules of the policy file', async () => {
  const file = path.join(folder, 'policies.conf');
  await writeFile(file, '[.*]\ncreate=context_is_admin\nread=get_images\nupdate=@\ndelete=!\n');
  const protections = openProtections(file, 'policies', policy, log);
  assert.equal(protections.isAllowed('create', 'a', member), false);
  assert.equal(protections.isAllowed('create', 'a', admin), true);
  assert.equal(protections.isAllowed('read', 'a', member), true);
});

test('without a file nothing is protected', () => {
  assert.equal(openProtections(null, 'roles', policy, log).isAllowed('delete', 'a', member), true);
});

test('broken files are refused', () => {
  for (const broken of [
    'create = admin',
    '[a]\ncreate=@',
    '[(]\ncreate=@\nread=@\nupdate=@\ndelete=@',
    '[a]\nhello',
  ])
    assert.throws(() => readProtections(broken), PropertyProtectionError, broken);
  assert.throws(() => readProtections('[a]\ncreate=@,admin\nread=@\nupdate=@\ndelete=@'), /mixes/);
});
