/** Each type of store has settings of its own, with their defaults, and is explained by them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { stringify } from 'yaml';
import { loadConfig } from './load.ts';

const folder = mkdtempSync(join(tmpdir(), 'tintype-store-types-'));
after(() => rmSync(folder, { recursive: true, force: true }));

async function load(stores: unknown) {
  const file = join(folder, 'config.yaml');
  writeFileSync(file, stringify({ stores }));
  return (await loadConfig({ file })).stores;
}

const disk = { id: 'disk', type: 'file' };
const web = { id: 'web', type: 'http' };

test('a file store and an http store get the defaults of their types', async () => {
  const common = { weight: 0, description: null };
  const rules = {
    allowedSchemes: ['http', 'https'],
    allowedPorts: [80, 443],
    allowedHosts: [],
    deniedHosts: [],
  };
  assert.deepEqual(await load([disk, web]), [
    { ...disk, path: null, folders: [], thin: false, convertTo: null, ...common },
    { ...web, ...rules, allowPrivateAddresses: false, caFile: null, ...common },
  ]);
  assert.equal((await loadConfig({})).stores[0]?.id, 'local');
});

test('what is wrong is told for the type that was named', async () => {
  const wrong: readonly (readonly [object, RegExp])[] = [
    [
      { ...web, alowedHosts: [] },
      /Unknown setting "stores\[1\]\.alowedHosts": did you mean "allowedHosts"\?/,
    ],
    [{ ...web, path: '/srv' }, /Unknown setting "stores\[1\]\.path"/],
    [{ ...web, convertTo: 'raw' }, /Unknown setting "stores\[1\]\.convertTo"/],
    [
      { ...disk, id: 'ceph', convertTo: 'vhdx' },
      /"stores\.1\.convertTo" must be one of raw, qcow2, vmdk, vhd/,
    ],
    [{ ...web, allowedSchemes: ['file'] }, /"stores\.1\.allowedSchemes\.0" must be one of http, https/],
    [{ ...web, allowedPorts: [0] }, /"stores\.1\.allowedPorts\.0" must be >= 1/],
    [{ ...web, allowPrivateAddresses: 'yes' }, /"stores\.1\.allowPrivateAddresses" must be boolean/],
    [{ ...web, type: 'floppy' }, /"stores\.1\.type" must be one of file, http, rbd, s3, swift/],
    [{ id: 'web' }, /"stores\.1\.type" must be one of file, http, rbd, s3, swift/],
  ];
  for (const [store, message] of wrong) await assert.rejects(load([disk, store]), { message });
});

test('a store keeps images in formats that images may have', async () => {
  const file = join(folder, 'formats.yaml');
  const stores = [disk, { id: 'ceph', type: 'rbd', convertTo: 'raw' }];
  writeFileSync(file, stringify({ stores }));
  const [local, ceph] = (await loadConfig({ file })).stores;
  assert.deepEqual(
    [local, ceph].map((store) => store !== undefined && 'convertTo' in store && store.convertTo),
    [null, 'raw'],
  );
  writeFileSync(file, stringify({ stores, images: { diskFormats: ['qcow2', 'iso'] } }));
  await assert.rejects(loadConfig({ file }), {
    message: /^stores\[1\]\.convertTo is "raw", which images\.diskFormats/,
  });
  writeFileSync(file, stringify({ import: { convertTo: 'vhd' }, images: { diskFormats: ['qcow2', 'iso'] } }));
  await assert.rejects(loadConfig({ file }), { message: /^import\.convertTo is "vhd"/ });
});
