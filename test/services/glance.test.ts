/** The black-box suite on the reference: what it asserts of both holds of both (test/golden/reference-differences.txt). */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { findTestFiles } from '../../scripts/test/find-files.ts';
import { attempt, run } from '../walks/support/run.ts';
import { withoutPrograms } from './keystone.ts';

const root = path.join(import.meta.dirname, '../..');
const script = (name: string) => path.join(import.meta.dirname, name);

describe('the reference', { skip: withoutPrograms('glance-wsgi-api'), timeout: 1_100_000 }, () => {
  let folder: string;
  let url: string;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'glance-'));
    const { code, stdout, stderr } = await attempt([script('glance-up'), folder]);
    assert.equal(code, 0, stderr);
    url = /^GLANCE_URL=(.*)$/m.exec(stdout.toString())![1]!;
  });
  after(async () => {
    await run([script('glance-down'), folder]);
    await rm(folder, { recursive: true });
  });

  for (const file of findTestFiles(root, 'tests', ['test/api/']))
    test(file, async (t) => {
      const target = ['--target', url, '--identity', 'headers', '--reference'];
      const words = [process.execPath, path.join(root, 'scripts/test-api.ts'), ...target, file];
      const said = (await attempt(words)).stdout.toString();
      const passed = /^(\d+) passed, 0 failed(, \d+ skipped)?$/m.exec(said)?.[1];
      assert.ok(passed !== undefined, said);
      if (passed === '0') t.skip('nothing of it is asserted of the reference');
    });
});
