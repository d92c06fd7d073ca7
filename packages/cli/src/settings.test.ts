/** Where endpoint and token come from, and to whom a token is never sent. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { defaultTokenFile, findAccess } from './settings.ts';

const home = process.cwd();
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tintype-settings-'));
  await writeFile(join(folder, 'token'), ' from-file\n');
  await writeFile(join(folder, 'empty'), '\n');
  process.chdir(folder);
});
after(async () => {
  process.chdir(home);
  await rm(folder, { recursive: true, force: true });
});

test('options win over variables, ours over those of OpenStack, and all over defaults', () => {
  const openstack = { OS_ENDPOINT: 'http://c', OS_TOKEN: 'os' };
  const ours = { TINTYPE_ENDPOINT: 'http://b', TINTYPE_TOKEN_FILE: 'token' };
  assert.deepEqual(findAccess({}, {}), { endpoint: 'http://127.0.0.1:9292', token: undefined });
  assert.deepEqual(findAccess({}, openstack), { endpoint: 'http://c', token: 'os' });
  assert.equal(findAccess({}, { ...openstack, OS_IMAGE_ENDPOINT_OVERRIDE: 'http://d' }).endpoint, 'http://d');
  assert.deepEqual(findAccess({}, { ...openstack, ...ours }), { endpoint: 'http://b', token: 'from-file' });
  assert.equal(findAccess({}, { ...ours, TINTYPE_TOKEN: 'variable' }).token, 'variable');
  assert.equal(findAccess({ tokenFile: 'token' }, { TINTYPE_TOKEN: 'variable' }).token, 'from-file');
  const options = { endpoint: 'http://a', token: 'option', tokenFile: 'nowhere' };
  assert.deepEqual(findAccess(options, ours), { endpoint: 'http://a', token: 'option' });
});

test('a token file that is asked for must be there and hold something', () => {
  assert.throws(
    () => findAccess({ tokenFile: 'nowhere' }, {}),
    /cannot read the token file nowhere: no such file/,
  );
  assert.throws(() => findAccess({ tokenFile: 'empty' }, {}), /is empty/);
});

test("the local server's token goes to servers on this machine only", async () => {
  await mkdir(join(folder, 'tintype-data'));
  await writeFile(join(folder, defaultTokenFile), 'local\n');
  for (const endpoint of ['http://127.0.0.1:9292', 'http://localhost/v2', 'http://[::1]:9']) {
    assert.equal(findAccess({ endpoint }, {}).token, 'local', endpoint);
  }
  for (const endpoint of [
    'http://example.org',
    'http://127.0.0.1.example.org',
    'http://localhost.example',
    'nonsense',
  ]) {
    assert.equal(findAccess({ endpoint }, {}).token, undefined, endpoint);
  }
});
