/** Tempest's image suite on a server that trusts a real Keystone: every test passes but those that tempest-skips lists. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { attempt } from '../walks/support/run.ts';
import { type Keystone, startKeystone, withoutKeystone } from './keystone.ts';

describe('Tempest', { skip: withoutKeystone('tempest'), timeout: 1_100_000 }, () => {
  let keystone: Keystone;

  before(async () => {
    keystone = await startKeystone();
  });
  after(() => keystone?.close());

  test('tempest.api.image', async (t) => {
    const { code, stdout, stderr } = await attempt([
      path.join(import.meta.dirname, 'tempest'),
      keystone.folder,
    ]);
    const said = stdout.toString();
    assert.equal(code, 0, said + stderr);
    const [totals, passed] = /^(\d+) passed, 0 failed, \d+ skipped$/m.exec(said) ?? [];
    assert.ok(Number(passed) > 0, said);
    t.diagnostic(totals!);
  });
});
