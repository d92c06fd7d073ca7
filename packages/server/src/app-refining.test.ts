/** What a server offers that is to convert, where it can and where it cannot. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { stringify } from 'yaml';
import { openRefining } from './app-refining.ts';
import type { Log } from './base/log.ts';
import { loadConfig } from './config/load.ts';
import { Sandbox } from './inspection/sandbox.ts';

const folder = mkdtempSync(join(tmpdir(), 'tintype-refining-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const methods = ['glance-direct', 'web-download', 'copy-image', 'glance-download'];
const disk = { id: 'disk', type: 'file' };
const ceph = { id: 'ceph', type: 'file', convertTo: 'raw' };

/** Where no program is installed, unless `walls` says otherwise. */
async function opened(settings: object, isWorker = true, walls = new Sandbox('bubblewrap', folder)) {
  const file = join(folder, 'config.yaml');
  writeFileSync(file, stringify({ stores: [disk], ...settings }));
  const lines: string[] = [];
  const log = { warn: (...given: unknown[]) => lines.push(String(given.at(-1))) } as unknown as Log;
  return { ...(await openRefining(await loadConfig({ file }), isWorker, log, walls)), lines };
}

const wishes: Readonly<Record<string, object>> = {
  'all imports raw': { import: { methods, convertTo: 'raw' } },
  'one store raw': { import: { methods }, stores: [disk, ceph] },
  'no snapshots': { import: { methods, stripSnapshots: true } },
};

for (const [wish, settings] of Object.entries(wishes)) {
  test(`who wants ${wish} is offered no import where nothing can be converted, and told what to install`, async () => {
    const { methods: offered, refining, lines } = await opened(settings);
    assert.deepEqual([offered, refining.sandbox], [['copy-image'], null]);
    assert.match(lines[0]!, /install bubblewrap and qemu-utils/);
    assert.match(lines[1]!, /imports are not offered/);
  });

  test(`who wants ${wish} is offered all of them by a server that leaves the work to others`, async () => {
    const { methods: offered, lines } = await opened(settings, false);
    assert.deepEqual([offered, lines], [methods, []]);
  });

  test(`who wants ${wish} is offered all of them where it works`, async () => {
    const { methods: offered, refining, lines } = await opened(settings, true, new Sandbox('bubblewrap'));
    assert.deepEqual([offered, lines], [methods, []]);
    assert.notEqual(refining.sandbox, null);
  });
}

test('who wants nothing converted needs no program', async () => {
  const { methods: offered, lines } = await opened({ import: { methods } });
  assert.deepEqual([offered, lines], [methods, []]);
});

test('the formats of stores are known by their ids', async () => {
  const { refining } = await opened({ stores: [disk, ceph, { id: 'web', type: 'http' }] }, false);
  assert.deepEqual([...refining.keptFormats], [['ceph', 'raw']]);
});
