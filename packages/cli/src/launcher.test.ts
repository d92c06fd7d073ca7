/** The launcher on a Node that is too old for the command. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { listen } from './testing/listen.ts';
import { launcher, startTintype, tintype } from './testing/tintype.ts';

/** A Node older than 24 that the machine itself has. */
function findOldNode(): string | undefined {
  const folders = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'));
  return folders
    .map((folder) => join(folder, 'node'))
    .find((node) => existsSync(node) && Number(versionOf(node).split('.')[0]) < 24);
}

function versionOf(node: string): string {
  return execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim();
}

const node = findOldNode();
const skip = node === undefined && 'no Node older than 24 is installed';

test('an old Node hands over to the pinned one, with arguments and exit code', { skip }, async () => {
  const version = await tintype(['--version'], { node });
  assert.deepEqual([version.code, version.stderr], [0, '']);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  const refused = await tintype(['image', 'show', 'a', '--endpoint', 'http://127.0.0.1:9'], { node });
  assert.equal(refused.code, 6);
  assert.match(refused.stderr, /no (server at|connection to) http:\/\/127.0.0.1:9/);
});

test('signals pass to the command, and its end to the caller', { skip }, async () => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    await using server = await listen(() => resolve());
    const args = ['image', 'download', 'a', '-o', 'out', '--endpoint', server.url];
    const { child, outcome } = startTintype(args, { node, cwd: tmpdir() });
    await asked;
    child.kill(signal);
    assert.deepEqual({ ...(await outcome), stderr: '' }, { code, signal: null, stdout: '', stderr: '' });
  }
});

test('a command that a signal ends looks so from outside', { skip }, async () => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  await using server = await listen(() => resolve());
  const { child, outcome } = startTintype(['image', 'list', '--endpoint', server.url], { node });
  await asked;
  child.kill('SIGTERM');
  const { code, signal } = await outcome;
  assert.deepEqual([code, signal], [null, 'SIGTERM']);
});

test('the command ends when its launcher is killed', { skip }, async () => {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  await using server = await listen((request) => {
    request.socket.once('close', () => resolve());
    ask();
  });
  const { child } = startTintype(['image', 'list', '--endpoint', server.url], { node });
  await asked;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  await closed;
});

/** Node tells how it was started. */
const telling =
  '--import=data:text/javascript,console.error(process.execArgv.concat(process.env.MALLOC_ARENA_MAX).join())';

for (const [what, old] of [
  ['a new Node', undefined],
  ['an old Node', node],
] as const)
  test(`the server runs with a small young generation and one heap, started by ${what}`, {
    skip: what === 'an old Node' && skip,
  }, async () => {
    const flagsOf = async (words: string[], options = telling) => {
      const env = { NODE_OPTIONS: options };
      const { code, stderr } = await tintype([...words, '--help'], { node: old, env });
      assert.equal(code, 0);
      return stderr.trim().split('\n').at(-1);
    };
    assert.equal(await flagsOf(['serve']), '--max-semi-space-size=4,1');
    assert.equal(await flagsOf(['serve'], `${telling} --max-semi-space-size=32`), '');
    assert.equal(await flagsOf(['image']), '');
  });

test('without a newer Node it says what is missing', { skip }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tintype-launcher-'));
  try {
    await mkdir(join(folder, 'bin'));
    await copyFile(launcher, join(folder, 'bin/tintype.js'));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    const { status, stderr } = runCopy(join(folder, 'bin/tintype.js'));
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^tintype: needs Node 24 or newer, and this is v\d+\..*: install a newer Node, or run npm ci/,
    );
    assert.equal(stderr.split('\n').length, 2);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

function runCopy(script: string): { status: number; stderr: string } {
  try {
    execFileSync(node!, [script, 'status'], { encoding: 'utf8', stdio: 'pipe' });
    return { status: 0, stderr: '' };
  } catch (thrown) {
    return thrown as { status: number; stderr: string };
  }
}
