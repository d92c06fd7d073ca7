/** openstacksdk as Debian ships it walks through the main job, in both identity modes. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { it } from 'node:test';
import { walk } from './support/packages.ts';
import { rescueCdrom, rescueFloppy } from './support/real-images.ts';
import { attempt } from './support/run.ts';
import { type Mode, openStockServer } from './support/stock-server.ts';

const script = path.join(import.meta.dirname, 'openstacksdk.py');
/** Debian's own, which has Debian's packages. */
const python = '/usr/bin/python3';

async function sdkWalk(mode: Mode): Promise<void> {
  const stock = await openStockServer(mode);
  try {
    const { url, token } = stock.server;
    const word = mode === 'none' ? 'none' : token;
    const args = [url, word, rescueCdrom.file, rescueFloppy.file, stock.folder];
    const { code, stderr } = await attempt([python, script, ...args], { env: stock.env });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Ran 17 tests/);
  } finally {
    await stock.close();
  }
}

walk('openstacksdk', ['python3-openstacksdk', 'grub-rescue-pc'], () => {
  for (const mode of ['tokens', 'none'] as const) it(`walks in mode ${mode}`, () => sdkWalk(mode));
});
