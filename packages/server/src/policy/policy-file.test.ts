/** Policy files of operators: read over the defaults, re-read when they change, never worse than before. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createLog } from '../base/log.ts';
import { createCaller } from '../identity/caller.ts';
import { PolicySyntaxError } from './language.ts';
import { openPolicy } from './policy.ts';
import { readPolicyFile } from './policy-file.ts';

const log = createLog('silent');
const reader = createCaller({ userId: 'u', projectId: 'p1', roles: ['reader'] });
const member = createCaller({ userId: 'u', projectId: 'p1', roles: ['member'] });
const admin = createCaller({ userId: 'u', projectId: 'p9', roles: ['admin'] });
const own = { project_id: 'p1', owner: 'p1', visibility: 'private', member_id: null };
const foreign = { project_id: 'p2', owner: 'p2', visibility: 'private', member_id: null };

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tintype-policy-'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('the defaults give the personas what the contract says', () => {
  const policy = openPolicy(null, log);
  assert.equal(policy.isAllowed('get_image', reader, own), true);
  assert.equal(policy.isAllowed('download_image', reader, own), false);
  assert.equal(policy.isAllowed('modify_image', member, own), true);
  assert.equal(policy.isAllowed('modify_image', member, foreign), false);
  assert.equal(policy.isAllowed('modify_image', admin, foreign), true);
  assert.equal(policy.isAllowed('publicize_image', member, own), false);
  assert.equal(policy.isAllowed('no_such_rule', admin, own), false);
});

test('a file in YAML or JSON overrides single rules', () => {
  for (const text of [
    '"publicize_image": "role:member"\n# the rest as it was',
    '{"publicize_image": "role:member"}',
  ]) {
    const { rules, warnings } = readPolicyFile(text);
    assert.deepEqual(warnings, []);
    assert.equal(rules.get('publicize_image')!.kind, 'role');
    assert.equal(rules.get('get_image')!.kind, 'or');
  }
});

test('rules that nothing asks for are told', () => {
  assert.deepEqual(readPolicyFile('delete_imag: role:admin').warnings, [
    'No route asks for rule "delete_imag".',
  ]);
  assert.deepEqual(readPolicyFile('mine: role:a\ndelete_image: rule:mine').warnings, []);
});

test('broken files are refused with the rule at fault', () => {
  assert.throws(() => readPolicyFile('delete_image: "role:admin and"'), /rule "delete_image"/);
  assert.throws(() => readPolicyFile('delete_image: rule:absent'), /"absent", which is not there/);
  assert.throws(() => readPolicyFile('a: rule:b\nb: rule:a'), /refers to itself/);
  assert.throws(() => readPolicyFile('- a'), PolicySyntaxError);
  assert.throws(() => readPolicyFile('a: b\na: c'), PolicySyntaxError);
  assert.throws(() => readPolicyFile('{'), PolicySyntaxError);
});

test('a changed file counts for the next question; a broken one changes nothing', async () => {
  const file = path.join(folder, 'policy.yaml');
  await writeFile(file, 'delete_image: "!"\n');
  const policy = openPolicy(file, log);
  assert.equal(policy.isAllowed('delete_image', admin, own), false);
  await writeFile(file, 'delete_image: "role:reader"\n');
  assert.equal(policy.isAllowed('delete_image', reader, own), true);
  await writeFile(file, 'delete_image: "role:reader and"\n');
  assert.equal(policy.isAllowed('delete_image', reader, own), true);
  await rm(file);
  assert.equal(policy.isAllowed('delete_image', reader, own), true);
  await writeFile(file, '{}');
  assert.equal(policy.isAllowed('delete_image', reader, own), false);
});

test('a server does not start on a policy file that it cannot read', async () => {
  assert.throws(() => openPolicy(path.join(folder, 'absent.yaml'), log));
});
