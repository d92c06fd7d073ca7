/** The step before every command, run with the real npm on small repositories that need no network. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';

const scripts = dirname(import.meta.dirname);
const base = mkdtempSync(join(tmpdir(), 'bootstrap-'));
after(() => rmSync(base, { recursive: true, force: true }));

interface Ended {
  readonly status: number | null;
  readonly said: string;
  readonly milliseconds: number;
}

interface Repository {
  readonly root: string;
  run(env?: NodeJS.ProcessEnv): Promise<Ended>;
  start(env?: NodeJS.ProcessEnv): { child: ChildProcess; ended: Promise<Ended> };
}

const part = { name: 'part', version: '1.0.0' };

/** A repository of one workspace; `locked` adds packages to its lockfile, `depends` to its manifest. */
function makeRepository(options: { locked?: object; depends?: object; bin?: string } = {}): Repository {
  const root = mkdtempSync(join(base, 'repository-'));
  const bin = options.bin === undefined ? {} : { bin: { node: 'node.sh' } };
  const manifest = { ...part, ...bin, dependencies: options.depends ?? {} };
  const put = (path: string, content: object) => writeFileSync(join(root, path), JSON.stringify(content));
  mkdirSync(join(root, 'packages/part'), { recursive: true });
  mkdirSync(join(root, 'scripts'));
  put('package.json', { name: 'whole', workspaces: ['packages/*'] });
  put('packages/part/package.json', manifest);
  if (options.bin !== undefined)
    writeFileSync(join(root, 'packages/part/node.sh'), options.bin, { mode: 0o755 });
  put('package-lock.json', {
    name: 'whole',
    lockfileVersion: 3,
    requires: true,
    packages: {
      '': { name: 'whole', workspaces: ['packages/*'] },
      'node_modules/part': { resolved: 'packages/part', link: true },
      'packages/part': manifest,
      ...options.locked,
    },
  });
  cpSync(join(scripts, 'bootstrap.mjs'), join(root, 'scripts/bootstrap.mjs'));
  for (const name of readdirSync(import.meta.dirname)) {
    if (name.endsWith('.mjs')) cpSync(join(import.meta.dirname, name), join(root, 'scripts/bootstrap', name));
  }
  const start = (env: NodeJS.ProcessEnv = {}) => startBootstrap(root, env);
  return { root, start, run: (env) => start(env).ended };
}

function startBootstrap(root: string, env: NodeJS.ProcessEnv) {
  const started = performance.now();
  const child = spawn(process.execPath, ['scripts/bootstrap.mjs'], {
    cwd: root,
    env: {
      ...process.env,
      npm_config_fetch_retries: '0',
      npm_config_cache: join(base, 'cache'),
      TMPDIR: base,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (status) => resolve({ status, said, milliseconds: performance.now() - started }));
  });
  return { child, ended };
}

test('installs what is missing, says so, and then stays silent', async () => {
  const { root, run } = makeRepository();
  const first = await run();
  assert.equal(first.status, 0, first.said);
  assert.match(first.said, /installing what is missing/);
  assert.ok(existsSync(join(root, 'node_modules/part/package.json')));
  assert.ok(!existsSync(join(root, '.install-lock')), 'the lock is gone');
  const again = await run();
  assert.equal(again.status, 0);
  assert.equal(again.said, '');
});

describe('installs again when node_modules', () => {
  const changes: [string, (root: string) => void][] = [
    [
      'holds another version',
      (root) => {
        const file = join(root, 'node_modules/.package-lock.json');
        writeFileSync(file, readFileSync(file, 'utf8').replace('1.0.0', '0.9.0'));
      },
    ],
    ['lacks a package', (root) => rmSync(join(root, 'node_modules/part'))],
    [
      'holds a package that nobody asked for',
      (root) => {
        const file = join(root, 'node_modules/.package-lock.json');
        const lock = JSON.parse(readFileSync(file, 'utf8'));
        lock.packages['node_modules/left-over'] = { version: '1.0.0' };
        writeFileSync(file, JSON.stringify(lock));
      },
    ],
    ['was left half installed', (root) => rmSync(join(root, 'node_modules/.package-lock.json'))],
  ];
  for (const [name, change] of changes) {
    test(name, async () => {
      const { root, run } = makeRepository();
      await run();
      change(root);
      const second = await run();
      assert.match(second.said, /installing what is missing/);
      assert.equal((await run()).said, '');
    });
  }
});

test('an optional package of another system is not missed', async () => {
  const elsewhere = { version: '1.0.0', optional: true, os: ['no-such-system'], integrity: 'sha512-AA==' };
  const { run } = makeRepository({ locked: { 'node_modules/elsewhere': elsewhere } });
  await run();
  assert.equal((await run()).said, '');
});

test('two at the same time: one installs, the other waits', async () => {
  const { run } = makeRepository();
  const both = await Promise.all([run(), run(), run()]);
  assert.deepEqual(
    both.map(({ status }) => status),
    [0, 0, 0],
  );
  assert.equal(both.filter(({ said }) => said.includes('installing what')).length, 1);
});

test('a holder that was killed is not waited for, and its installer is', async () => {
  const { root, run, start } = makeRepository();
  const ticket = join(root, '.install-lock');
  const { child, ended } = start();
  while (!holdsChild(ticket)) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill('SIGKILL');
  await ended;
  const next = await run();
  assert.equal(next.status, 0, next.said);
  assert.ok(existsSync(join(root, 'node_modules/.package-lock.json')));
});

/** Whether the ticket in the lock's folder names the npm it started. */
function holdsChild(folder: string): boolean {
  try {
    return readdirSync(folder).some((name) => readFileSync(join(folder, name), 'utf8') !== '');
  } catch {
    return false;
  }
}

describe('says what to do', () => {
  test('without a network', async () => {
    const locked = {
      'node_modules/far-away': { version: '1.0.0', integrity: `sha512-${'A'.repeat(86)}==` },
    };
    const { run } = makeRepository({ locked, depends: { 'far-away': '1.0.0' } });
    const { status, said } = await run({ npm_config_registry: 'http://127.0.0.1:1/' });
    assert.notEqual(status, 0);
    assert.match(said, /could not reach its package registry \(ECONNREFUSED\): check the network/);
  });

  test('when manifest and lockfile do not agree', async () => {
    const { run } = makeRepository({ depends: { missing: '1.0.0' } });
    const { status, said } = await run({ npm_config_registry: 'http://127.0.0.1:1/' });
    assert.notEqual(status, 0);
    assert.match(said, /tintype: .*(do not agree|could not reach)/);
  });

  const skip = process.getuid?.() === 0 ? false : 'only root can become another user';
  test('in a folder that belongs to somebody else', { skip }, async () => {
    const { root } = makeRepository();
    for (const folder of [base, root]) chmodSync(folder, 0o755);
    const child = spawn(process.execPath, ['scripts/bootstrap.mjs'], { cwd: root, uid: 65534, gid: 65534 });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    const status = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(status, 1);
    assert.match(said, /may not write to .* \(EACCES\)\. Run this as the folder's owner once/);
  });

  test('without npm', async () => {
    const { run, root } = makeRepository();
    mkdirSync(join(root, 'bin'));
    symlinkSync(process.execPath, join(root, 'bin/node'));
    const { status, said } = await run({ npm_execpath: '', PATH: join(root, 'bin') });
    assert.notEqual(status, 0);
    assert.match(said, /npm itself could not be started/);
  });
});

test('a packaged Node that does not run here makes way for the one that does', async () => {
  const { root, run } = makeRepository({ bin: '#!/bin/sh\nexit 127\n' });
  const { status, said } = await run();
  assert.equal(status, 0, said);
  assert.ok(!existsSync(join(root, 'node_modules/.bin/node')));
  assert.equal((await run()).said, '');
});
