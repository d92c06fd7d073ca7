/** Settings of signatures that make no sense together are refused before anything opens. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { stringify } from 'yaml';
import { loadConfig } from './load.ts';

let folder: string;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tintype-config-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function load(certificates: object, more: object = {}, signatures: object = {}) {
  const file = path.join(folder, 'config.yaml');
  await writeFile(file, stringify({ ...more, signatures: { ...signatures, certificates } }));
  return await loadConfig({ file });
}

const headers = { identity: { mode: 'headers' } };
const barbican = 'https://keys.example.org:9311';

test('each source with what it needs', async () => {
  assert.equal((await loadConfig({})).signatures.certificates.source, 'none');
  for (const [certificates, more] of [
    [{ source: 'folder', folder: '/etc/signers' }],
    [{ source: 'url', url: 'https://keys.example.org/{uuid}.pem' }],
    [{ source: 'barbican', endpoint: barbican }, headers],
    [
      { source: 'barbican' },
      { identity: { mode: 'keystone', keystone: { authUrl: barbican, password: 'x' } } },
    ],
  ] as const)
    assert.equal((await load(certificates, more)).signatures.certificates.source, certificates.source);
});

test('a source without what it needs', async () => {
  await assert.rejects(load({ source: 'folder' }), /signatures\.certificates\.folder is not set/);
  await assert.rejects(load({ source: 'url' }), /signatures\.certificates\.url is not set/);
  await assert.rejects(load({ source: 'barbican' }, headers), /signatures\.certificates\.endpoint must say/);
  await assert.rejects(
    load({ source: 'none' }, {}, { required: true }),
    /set signatures\.certificates\.source/,
  );
});

test('Barbican is not shown tokens that are none of Keystone', async () => {
  for (const identity of [
    { mode: 'tokens' },
    { mode: 'none' },
    { mode: 'oidc', oidc: { issuer: barbican, audience: 'x' } },
  ])
    await assert.rejects(
      load({ source: 'barbican', endpoint: barbican }, { identity }),
      /needs identity\.mode/,
    );
});

/** The setting named, and nothing of what it was set to. */
function refuses(setting: string) {
  return ({ message }: Error) => message.includes(`"${setting}"`) && !message.includes('secret');
}

test('addresses without TLS, without the UUID or with credentials', async () => {
  for (const url of [
    'http://keys.example.org/{uuid}',
    'https://keys.example.org/',
    'https://{uuid}/x',
    'https://user:secret@keys.example.org/{uuid}',
    'https://keys.example.org',
  ])
    await assert.rejects(load({ source: 'url', url }), refuses('signatures.certificates.url'), url);
  const certificates = { source: 'barbican', endpoint: 'https://user:secret@keys.example.org' };
  await assert.rejects(load(certificates, headers), refuses('signatures.certificates.endpoint'));
});
