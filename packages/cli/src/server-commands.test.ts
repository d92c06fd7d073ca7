/** The commands that run the server's own code: serve, token, db, config, metadef. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../../test/support/database.ts';
import { type Outcome, startTintype, tintype } from './testing/tintype.ts';

let database: TestDatabase;
let empty: TestDatabase;
let folder: string;

before(async () => {
  [database, empty] = await Promise.all([testDatabase(), testDatabase({ empty: true })]);
  folder = await mkdtemp(join(tmpdir(), 'tintype-serve-'));
  await writeConfig('config.yaml', database.url);
  await writeConfig('empty.yaml', empty.url);
  await writeFile(join(folder, 'bad.yaml'), 'listn: 127.0.0.1:0\n');
});

after(async () => {
  await rm(folder, { recursive: true, force: true });
  await Promise.all([database.close(), empty.close()]);
});

async function writeConfig(name: string, url: string): Promise<void> {
  const settings = { listen: '127.0.0.1:0', dataDir: join(folder, 'data'), database: { url } };
  // JSON is YAML.
  await writeFile(join(folder, name), JSON.stringify(settings));
}

function run(args: string): Promise<Outcome> {
  return tintype(args.split(' '), { cwd: folder });
}

async function json<T>(args: string): Promise<T> {
  const { code, stdout, stderr } = await run(`${args} --json`);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as T;
}

test('serves with the tokens that were made, refuses a revoked one, and stops on a signal', async () => {
  const made = await json<{ id: string; token: string; roles: string[] }>(
    'token create --config config.yaml --project p --user u --role member --role reader --expires 30d',
  );
  assert.deepEqual(made.roles, ['member', 'reader']);
  const { child, outcome, ...server } = serve();
  const url = await server.url;
  const status = (token: string) => run(`status --json --endpoint ${url} --token ${token}`);
  assert.equal(JSON.parse((await status(made.token)).stdout).access, 'granted');

  const [listed] = (
    await json<{ id: string; user: string; revokedAt: null }[]>('token list --config config.yaml')
  ).filter(({ id }) => id === made.id);
  assert.deepEqual([listed?.user, listed?.revokedAt], ['u', null]);
  const revoked = await run(`token revoke ${made.id} --config config.yaml`);
  assert.equal(revoked.stdout, `revoked ${made.id}\n`);
  assert.match((await run('token list --config config.yaml')).stdout, /\bu +p +member,reader .* revoked\n/);
  // Every server is told, a moment later.
  while (JSON.parse((await status(made.token)).stdout).access !== 'refused');
  child.kill('SIGTERM');
  const ended = await outcome;
  assert.deepEqual([ended.code, ended.signal], [0, null], ended.stderr);
});

test('an address that is taken is named, and the exit code says that nothing is served', async () => {
  const { child, outcome, ...server } = serve();
  const taken = new URL(await server.url).host;
  const second = await run(`serve --config config.yaml --listen ${taken} --data second`);
  assert.equal(second.code, 6);
  assert.equal(
    second.stderr.trimEnd().split('\n').at(-1),
    `tintype: ${taken} is in use by another process: stop that one, or choose another address with --listen.`,
  );
  child.kill('SIGTERM');
  await outcome;
});

function serve() {
  const running = startTintype(['serve', '--config', 'config.yaml', '--listen', '127.0.0.1:0'], {
    cwd: folder,
  });
  const url = new Promise<string>((resolve, reject) => {
    running.child.stdout!.on('data', () => {
      const found = /Image API at (\S+)\n/.exec(running.stdout)?.[1];
      if (found !== undefined) resolve(found);
    });
    running.child.once('exit', () => reject(new Error(running.stderr)));
  });
  return { ...running, url };
}

test('migrations are shown, applied once, and then done', async () => {
  const before = await json<{ applied: object[]; pending: object[] }>('db status --config empty.yaml');
  assert.equal(before.applied.length, 0);
  assert.ok(before.pending.length > 0);
  const applied = await run('db migrate --config empty.yaml');
  assert.equal(
    applied.stdout.split('\n').filter((line) => line.startsWith('applied ')).length,
    before.pending.length,
  );
  assert.match((await run('db migrate --config empty.yaml')).stdout, /nothing to do/);
  assert.match((await run('db status --config empty.yaml')).stdout, /^1 +\S+ +\d{4}-\d\d-\d\dT/m);
});

test('the configuration is checked and printed', async () => {
  const good = await run('config check --config config.yaml');
  assert.deepEqual([good.code, good.stderr], [0, '']);
  const bad = await run('config check --config bad.yaml');
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /listn/);
  assert.ok(!bad.stderr.includes('    at '));
  const printed = await run('config print --config config.yaml --data elsewhere');
  assert.match(printed.stdout, /^dataDir: .*elsewhere$/m);
});

test('the catalogue of metadata definitions is loaded, written down and unloaded', async () => {
  const tags = [{ name: 't' }];
  await writeFile(join(folder, 'ns.json'), JSON.stringify({ namespace: 'Ns', display_name: 'Old', tags }));
  const loaded = await run('metadef load ns.json --config config.yaml');
  assert.match(loaded.stdout, /^Ns +added +1 +ns\.json$/m);
  const again = await json<object[]>('metadef load ns.json --config config.yaml');
  assert.deepEqual(again, [{ namespace: 'Ns', outcome: 'unchanged', definitions: 0, file: 'ns.json' }]);
  await writeFile(join(folder, 'ns.json'), JSON.stringify({ namespace: 'Ns', display_name: 'New', tags }));
  assert.match((await run('metadef load ns.json --replace --config config.yaml')).stdout, /^Ns +replaced/m);
  assert.match((await run('metadef export out --config config.yaml')).stdout, /^Ns +out\/ns\.json$/m);
  assert.equal(JSON.parse(await readFile(join(folder, 'out/ns.json'), 'utf8')).display_name, 'New');
  const removed = await run('metadef unload --config config.yaml');
  assert.equal(removed.stdout, 'removed 1 namespaces and 0 resource types\n');

  const { code, stderr } = await run('metadef load bad.yaml --config config.yaml');
  assert.equal(code, 1);
  assert.match(stderr, /bad\.yaml cannot be loaded: The file is not valid JSON/);
});

test('upkeep is listed, looked at and done', async () => {
  assert.match((await run('upkeep list')).stdout, /^expired-images +gives up images/m);
  const dry = await json('upkeep run expired-images --dry-run --config config.yaml');
  assert.deepEqual(dry, { name: 'expired-images', dryRun: true, count: 0, ids: [] });
  assert.equal(
    (await run('upkeep run expired-tasks --config config.yaml')).stdout,
    'expired-tasks: 0 done\n',
  );
  assert.equal((await run('upkeep run everything --config config.yaml')).code, 3);
  assert.match((await run('upkeep run reconcile --config config.yaml')).stdout, /0 found, 0 repaired$/m);
  const scrub = await json('upkeep run reconcile --scrub --rate 100 --config config.yaml');
  assert.deepEqual((scrub as { findings: unknown }).findings, []);
  assert.equal((await run('upkeep run reconcile --sample 10 --config config.yaml')).code, 0);
  for (const wrong of ['expired-tasks --repair', 'expired-tasks --sample 10', 'reconcile --sample 0'])
    assert.equal((await run(`upkeep run ${wrong} --config config.yaml`)).code, 2, wrong);
});

test('what a store has without a record is told as a table and as JSON, and goes when it is asked to', async () => {
  const images = join(folder, 'data/images/local');
  await mkdir(images, { recursive: true });
  const id = '01234567-89ab-4def-8123-456789abcdef';
  const [orphan, foreign] = [`${id}.0123456789ab`, 'notes-of-somebody'];
  const old = new Date(Date.now() - 3 * 86_400_000);
  for (const name of [orphan, foreign, `${id}.ba9876543210`]) await writeFile(join(images, name), 'bytes');
  for (const name of [orphan, foreign]) await utimes(join(images, name), old, old);

  const told = await run('upkeep run reconcile --config config.yaml');
  assert.equal(told.code, 1, 'something is left to do');
  assert.match(told.stdout, /^FINDING +STORE +OBJECT +IMAGE +BYTES +REPAIRED/m);
  assert.match(told.stdout, new RegExp(`^orphan +local +${orphan} +${id} +5 +no`, 'm'));
  assert.match(told.stdout, new RegExp(`^foreign +local +${foreign} +5 +no`, 'm'));
  assert.match(told.stdout, /^reconcile: \d+ looked at, 2 found, 0 repaired$/m);
  const { findings } = await json<{ findings: { kind: string; key: string; repaired: boolean }[] }>(
    'upkeep run reconcile --repair --config config.yaml',
  );
  assert.deepEqual(findings.map(({ kind, key, repaired }) => [kind, key, repaired]).toSorted(), [
    ['foreign', foreign, false],
    ['orphan', orphan, true],
  ]);
  assert.deepEqual((await readdir(images)).filter((name) => !name.startsWith('.')).toSorted(), [
    `${id}.ba9876543210`,
    foreign,
  ]);
});

test('what cannot be is refused', async () => {
  assert.equal((await run('token create --config config.yaml --project p --user u')).code, 2);
  for (const when of ['soon', '2020-01-01', '0d']) {
    const { code, stderr } = await run(
      `token create --config config.yaml --user u --role member --expires ${when}`,
    );
    assert.equal(code, 2, stderr);
  }
  const unknown = await run('token revoke 00000000 --config config.yaml --json');
  assert.equal(unknown.code, 3);
  assert.equal(JSON.parse(unknown.stderr).error.code, 'not_found');
  assert.equal((await run('serve --config nowhere.yaml')).code, 1);
});
