/** The runner must see every way in which a test file can fail, and must not be left waiting or cleaning up. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { count, formatFileRun, formatSkips, formatTotals } from './report.ts';
import { type FileRun, type RunOptions, runTestFile } from './run-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'run-file-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const imports = `import { describe, test } from 'node:test';\nimport { spawn } from 'node:child_process';\n`;
let number = 0;

/** Runs `body` as a test file of its own. */
async function run(body: string, options: Partial<RunOptions> = {}): Promise<FileRun> {
  number += 1;
  const file = join(folder, `case-${number}.test.ts`);
  writeFileSync(file, imports + body);
  const own = join(folder, `run-${number}`);
  mkdirSync(own);
  return await runTestFile(file, {
    root: folder,
    folder: own,
    marker: `${process.pid}.case.${number}`,
    env: { NODE_TEST_CONTEXT: '' },
    namePatterns: [],
    limitMilliseconds: 30_000,
    signal: new AbortController().signal,
    ...options,
  });
}

test('counts passes, failures and skips, and keeps the names and reasons', async () => {
  const result = await run(`
    describe('outer', () => {
      test('good', () => {});
      test('bad', () => { throw new Error('because of this'); });
      test('left out', { skip: 'no such tool' }, () => {});
    });
    test('later', (t) => t.skip('not on this machine'));
    test('unfinished', { todo: true }, () => {});
  `);
  assert.deepEqual(result.faults, []);
  assert.deepEqual(count([result]), { passed: 1, failed: 1, skipped: 3 });
  assert.equal(formatTotals(count([result])), '1 passed, 1 failed, 3 skipped');
  const text = formatFileRun(result);
  assert.match(text, /^FAIL .*case-1\.test\.ts/);
  assert.match(text, /outer › bad/);
  assert.match(text, /because of this/);
  assert.match(formatSkips([result]), /outer › left out: no such tool/);
  assert.match(formatSkips([result]), /later: not on this machine/);
});

test('a hook that fails is a failure', async () => {
  const result = await run(`
    import { before } from 'node:test';
    describe('suite', () => {
      before(() => { throw new Error('hook'); });
      test('inside', () => {});
    });
  `);
  assert.ok(count([result]).failed >= 1);
});

test('a file that ends at load is a failure with what it printed', async () => {
  const result = await run(`throw new Error('broken at load');`);
  assert.equal(count([result]).failed, 1);
  assert.match(formatFileRun(result), /broken at load/);
});

test('a file without tests is a failure', async () => {
  assert.deepEqual((await run('')).faults, ['has no tests in it']);
});

test('only tests of the given name run', async () => {
  const body = `test('one', () => {}); test('two', () => { throw new Error('two'); });`;
  const result = await run(body, { namePatterns: ['^one$'] });
  assert.deepEqual(count([result]), { passed: 1, failed: 0, skipped: 0 });
});

describe('what is left behind', () => {
  test('an open handle ends with the time limit', async () => {
    const result = await run(`test('opens', () => { setInterval(() => {}, 1000); });`, {
      limitMilliseconds: 1500,
    });
    assert.match(result.faults[0] ?? '', /did not end within 1\.5 s/);
    assert.ok(result.milliseconds < 15_000);
  });

  test('a process is ended and told', { skip: process.platform !== 'linux' && 'needs /proc' }, async () => {
    const result = await run(`
      test('starts', () => {
        const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
        child.unref();
        console.log('child ' + child.pid);
      });
    `);
    const pid = Number(result.output.match(/child (\d+)/)?.[1]);
    assert.match(result.faults.join(), new RegExp(`left process ${pid} behind: sleep 600`));
    assert.ok(await isGone(pid));
  });

  test('a file in the temporary folder is told', async () => {
    const result = await run(`
      import { writeFileSync } from 'node:fs';
      import { tmpdir } from 'node:os';
      test('writes', () => writeFileSync(tmpdir() + '/forgotten', ''));
    `);
    assert.deepEqual(result.faults, ['left files behind in the temporary folder: forgotten']);
  });

  test('an interrupted file is ended at once', async () => {
    const controller = new AbortController();
    const running = run(`test('waits', () => new Promise(() => setInterval(() => {}, 1000)));`, {
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(), 500);
    assert.deepEqual((await running).faults, ['interrupted']);
  });
});

async function isGone(pid: number): Promise<boolean> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}
