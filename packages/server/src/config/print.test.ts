/** What is printed shows every setting but the secrets. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { loadConfig } from './load.ts';
import { printConfig } from './print.ts';

const folder = mkdtempSync(join(tmpdir(), 'tintype-print-'));
after(() => rmSync(folder, { recursive: true, force: true }));

async function printed(settings: object) {
  const file = join(folder, 'config.yaml');
  writeFileSync(file, stringify(settings));
  return printConfig(await loadConfig({ file }));
}

test('secrets are masked wherever they stand', async () => {
  const text = await printed({
    database: { url: 'postgresql://tintype:hidden-1@db/images' },
    identity: { mode: 'keystone', keystone: { authUrl: 'https://keys/v3', password: 'hidden-2' } },
    stores: [
      { id: 'disk', type: 'file' },
      { id: 's3', type: 's3', bucket: 'images', accessKey: 'hidden-3', secretKey: 'hidden-4' },
      { id: 'plain', type: 's3', bucket: 'others' },
      { id: 'swift', type: 'swift', authUrl: 'https://keys/v3', user: 'images', key: 'hidden-5' },
    ],
  });
  assert.doesNotMatch(text, /hidden/);
  const { database, identity, stores } = parse(text);
  assert.equal(database.url, 'postgresql://***@db/images');
  assert.deepEqual([identity.keystone.password, identity.keystone.username], ['***', 'glance']);
  assert.deepEqual([stores[1].bucket, stores[1].accessKey, stores[1].secretKey], ['images', '***', '***']);
  assert.deepEqual([stores[2].secretKey, stores[0].type], [null, 'file']);
  assert.deepEqual([stores[3].user, stores[3].key], ['images', '***']);
});
