/** The image commands against a real server. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { CacheState, Image } from '@tintype/client';
import { until } from '../../../test/support/process.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { type Outcome, type RunOptions, tintype } from './testing/tintype.ts';

let server: TestServer;
let folder: string;
const data = randomBytes(3_000_000);

before(async () => {
  server = await startServer({ identity: { mode: 'tokens' } });
  folder = await mkdtemp(join(tmpdir(), 'tintype-command-'));
  await writeFile(join(folder, 'disk.raw'), data);
});

after(async () => {
  await rm(folder, { recursive: true, force: true });
  await server.close();
});

function run(args: string, options: RunOptions = {}): Promise<Outcome> {
  const env = { TINTYPE_ENDPOINT: server.url, TINTYPE_TOKEN_FILE: server.tokenFile! };
  return tintype(args.split(' '), { cwd: folder, env, ...options });
}

async function json<T = Image>(args: string, options: RunOptions = {}): Promise<T> {
  const { code, stdout, stderr } = await run(`${args} --json`, options);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  return JSON.parse(stdout) as T;
}

test('an image goes in and comes out again, byte by byte', async () => {
  const created = await run(
    'image create whole --file disk.raw --property os_distro=debian --tag x --min-ram 64',
  );
  assert.equal(created.code, 0, created.stderr);
  assert.match(created.stdout, /^status +active$/m);
  assert.match(created.stdout, /^size +3000000 \(2.9 MiB\)$/m);
  assert.match(created.stdout, /^os_distro +debian$/m);
  assert.match(created.stderr, /^disk format: raw, as its first bytes show no other format$/m);
  assert.match(created.stderr, /^uploading disk.raw: 2.9 MiB in /m);

  const saved = await run('image download whole -o out.raw');
  assert.equal(saved.code, 0, saved.stderr);
  assert.match(saved.stdout, /^verified +sha512 [0-9a-f]{128}$/m);
  assert.ok((await readFile(join(folder, 'out.raw'))).equals(data));

  const again = await run('image download whole -o out.raw');
  assert.equal(again.code, 2);
  assert.match(again.stderr, /out.raw exists already: give --force to replace it/);
  assert.equal((await run('image download whole -o out.raw --force --quiet')).stderr, '');

  const piped = await run('image download whole');
  assert.ok(Buffer.from(piped.stdout, 'latin1').equals(data));
  assert.deepEqual((await readdir(folder)).sort(), ['disk.raw', 'out.raw']);
});

test('standard input becomes an image, and an empty image takes its data later', async () => {
  const input = data.subarray(0, 200_000);
  const { stdout: id, stderr } = await run('image create piped --file - -q', { input });
  assert.match(id, /^[0-9a-f-]{36}\n$/);
  assert.equal(stderr, '');
  const image = await json(`image show ${id.trim()}`);
  assert.equal(image.os_hash_value, createHash('sha512').update(input).digest('hex'));

  const empty = await json('image create later');
  assert.deepEqual([empty.status, empty.disk_format, empty.size], ['queued', null, null]);
  const filled = await json('image upload later disk.raw');
  assert.deepEqual([filled.status, filled.disk_format, filled.container_format], ['active', 'raw', 'bare']);
  const twice = await run('image upload later disk.raw');
  assert.equal(twice.code, 5);
  assert.match(twice.stderr, /is active: only a queued image takes data/);
  const tasks = await json<{ status: string }[]>('image tasks later');
  assert.deepEqual(
    tasks.map(({ status }) => status),
    ['success'],
  );
});

test('lists with filters, over several pages, to a limit', async () => {
  const files = Array.from(
    { length: 7 },
    (_, index) => `image create page-${index} --tag pages --property odd=${index % 2}`,
  );
  for (const args of files) assert.equal((await run(args)).code, 0);
  const names = async (args: string) => (await json<Image[]>(`image list ${args}`)).map(({ name }) => name);
  const sorted = ['page-0', 'page-1', 'page-2', 'page-3', 'page-4', 'page-5', 'page-6'];
  assert.deepEqual(await names('--tag pages --sort name:asc'), sorted);
  assert.deepEqual(await names('--tag pages --sort name:asc --limit 2'), ['page-0', 'page-1']);
  assert.deepEqual(await names('--limit 0'), []);
  assert.deepEqual(await names('--property odd=1 --sort name:desc'), ['page-5', 'page-3', 'page-1']);
  assert.deepEqual(await names('--name in:page-1,page-2 --sort name:asc'), ['page-1', 'page-2']);
  assert.deepEqual(await names('--tag pages --status active'), []);
  await run('image set page-3 --hidden');
  assert.deepEqual(await names('--hidden'), ['page-3']);
  const table = await run('image list --name page-4 --long');
  const [header, row] = table.stdout.split('\n');
  assert.match(header!, /^ID +NAME +STATUS +FORMAT +SIZE +VISIBILITY +CONTAINER/);
  assert.match(row!, /^[0-9a-f-]{36} +page-4 +queued +shared +no +admin +\S+ +pages$/);
});

test('set and unset change what they name, tags come and go, delete goes on after a failure', async () => {
  const { id } = await json('image create change --property a=1 --property b=x=y --tag one --private');
  const set = await json(
    'image set change --name changed --property a=2 --tag two --min-disk 3 --protected --public',
  );
  assert.deepEqual(
    [set.name, set.a, set.b, [...set.tags].sort(), set.min_disk, set.protected, set.visibility],
    ['changed', '2', 'x=y', ['one', 'two'], 3, true, 'public'],
  );
  const unset = await json('image unset changed --property b --tag one');
  assert.deepEqual([unset.b, unset.tags], [undefined, ['two']]);
  assert.deepEqual((await json('image tag add changed three four')).tags.length, 3);
  assert.deepEqual((await json('image tag remove changed three two')).tags, ['four']);
  assert.equal((await run('image set changed')).code, 2);
  assert.equal((await run('image unset changed')).code, 2);
  const refused = await run('image delete changed');
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /is protected and cannot be deleted/);
  await run('image set changed --unprotected');
  const deleted = await run('image delete nowhere changed elsewhere');
  assert.equal(deleted.code, 3);
  assert.equal(deleted.stdout, `deleted ${id} (changed)\n`);
  assert.match(deleted.stderr, /2 of 3 images were not deleted\n {2}nowhere: .*\n {2}elsewhere: /);
});

test('failures are told in a line or two, or in JSON, with their exit codes', async () => {
  const missing = await run('image show nowhere');
  assert.equal(missing.code, 3);
  assert.equal(missing.stderr, 'tintype: No image found with ID or name "nowhere"\n');
  const object = await run('image show nowhere --json');
  assert.equal(object.stdout, '');
  assert.deepEqual(JSON.parse(object.stderr).error.code, 'image_not_found');

  await run('image create twin');
  await run('image create twin');
  assert.match((await run('image show twin')).stderr, /several images are named "twin": name one by its id/);

  const anonymous = await run('image list', { env: { TINTYPE_ENDPOINT: server.url } });
  assert.equal(anonymous.code, 4);
  assert.match(anonymous.stderr, /give a token with --token, --token-file or TINTYPE_TOKEN/);
  assert.match(anonymous.stderr, /^ {2}request id: req-/m);

  for (const args of [
    'image',
    'image nothing',
    'image show',
    'image list --limit x',
    'image create a --public --private',
  ]) {
    assert.equal((await run(args)).code, 2, args);
  }
  const usage = JSON.parse((await run('image show --json')).stderr);
  assert.deepEqual([usage.error.code, usage.error.exitCode], ['usage', 2]);
  const unreadable = await run('image create a --file nowhere.raw');
  assert.equal(unreadable.code, 1);
  assert.equal(unreadable.stderr, 'tintype: cannot read nowhere.raw: no such file or directory\n');
  const absent = await run('image download later -o missing/out.raw');
  assert.match(absent.stderr, /no such file or directory/);
});

test('a refused upload deletes the image again, or keeps it when asked', async () => {
  const wrong = await run('image create wrong --file disk.raw --disk-format qcow2');
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /declared as qcow2.*\n {2}image [0-9a-f-]{36} was deleted again\n/);
  assert.equal((await run('image show wrong')).code, 3);

  const kept = await run(
    `image create kept --file disk.raw --digest md5=${'0'.repeat(32)} --keep-failed --json`,
  );
  assert.equal(kept.code, 7);
  const { error } = JSON.parse(kept.stderr);
  assert.equal(error.code, 'digest_mismatch');
  assert.deepEqual(error.image, { id: (await json('image show kept')).id, status: 'queued' });
});

test('a deletion that is delayed is undone by the id', async () => {
  const keeping = await startServer({ identity: { mode: 'tokens' }, images: { delayedDelete: true } });
  const env = { TINTYPE_ENDPOINT: keeping.url, TINTYPE_TOKEN_FILE: keeping.tokenFile! };
  try {
    const { id } = await json('image create lost --file disk.raw', { env });
    assert.equal((await run('image delete lost', { env })).code, 0);
    const [found] = await json<Image[]>('image list --status pending_delete', { env });
    assert.equal(found?.id, id);
    const restored = await run(`image restore ${id}`, { env });
    assert.equal(restored.code, 0, restored.stderr);
    assert.match(restored.stdout, /^status +active$/m);
    const again = await run(`image restore ${id}`, { env });
    assert.match(again.stderr, /is active; restoring needs it to be pending_delete/);
  } finally {
    await keeping.close();
  }
});

test('status tells the server and whether it takes the token', async () => {
  const good = await json<Record<string, unknown>>('status');
  assert.deepEqual(
    [good.endpoint, good.healthy, good.ready, good.access],
    [server.url, true, true, 'granted'],
  );
  const bad = await run('status', { env: { TINTYPE_ENDPOINT: `${server.url}/v2`, TINTYPE_TOKEN: 'wrong' } });
  assert.equal(bad.code, 0);
  assert.match(bad.stdout, /^access +refused$/m);
});

test('the cache of the node is looked after', async () => {
  const keeping = await startServer({
    identity: { mode: 'tokens' },
    cache: { enabled: true, nodeUrl: 'http://node' },
  });
  const env = { TINTYPE_ENDPOINT: keeping.url, TINTYPE_TOKEN_FILE: keeping.tokenFile! };
  const said = async (args: string) => {
    const { code, stdout, stderr } = await run(args, { env });
    assert.equal(code, 0, stderr);
    return stdout;
  };
  try {
    const { id } = await json('image create kept --file disk.raw', { env });
    assert.equal(await said('cache add kept'), `queued ${id}\n`);
    await until('it is cached', async () =>
      (await said('cache list')).includes(`${id}  cached  2.9 MiB  0 `),
    );
    assert.equal(await said('cache list --quiet'), `${id}\n`);
    const { cached_images: cached } = await json<CacheState>('cache list', { env });
    assert.equal(cached[0]?.image_id, id);
    await until('the node is named', async () => (await said('cache nodes kept')) === 'http://node\n');
    assert.equal(await said('cache prune'), 'removed 0 images of 0 B together\n');
    assert.equal(await said('cache remove kept'), `removed ${id}\n`);
    const again = await run(`cache remove ${id}`, { env });
    assert.match(again.stderr, /is neither in the cache nor queued/);
    assert.deepEqual(await json('cache clear --only queue', { env }), { cleared: ['queue'] });
    assert.equal(await said('cache clear'), 'the cache is empty\n');
  } finally {
    await keeping.close();
  }
  const off = await run('cache list');
  assert.match(off.stderr, /This server keeps no copies of images/);
});
