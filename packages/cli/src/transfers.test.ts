/** Uploads and downloads that go wrong: what is told, and that nothing half is left. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { until } from '../../../test/support/process.ts';
import { answer, type Handler, type Listener, listen } from './testing/listen.ts';
import { startTintype, tintype } from './testing/tintype.ts';

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'tintype-transfers-'));
});
after(() => rm(root, { recursive: true, force: true }));

const data = randomBytes(2_000_000);
const sha512 = createHash('sha512').update(data).digest('hex');

/** A fresh folder with `data` as disk.raw in it. */
async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(root, 'run-'));
  await writeFile(join(folder, 'disk.raw'), data);
  return folder;
}

function image(more: Record<string, unknown> = {}) {
  return { id: 'a', name: 'a', size: data.length, status: 'active', tags: [], checksum: null, ...more };
}

/** Serves one image with these bytes. */
function serving(send: (response: ServerResponse) => void): Promise<Listener> {
  return listen((request, response) => {
    if (request.url!.endsWith('/file')) send(response);
    else answer(response, 200, image({ os_hash_algo: 'sha512', os_hash_value: sha512 }));
  });
}

/** Sends the first half, then waits for ever. */
function sendHalf(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Length': data.length });
  response.write(data.subarray(0, data.length / 2));
}

test('a download that is cut goes on at another endpoint, and the token is for that what it is for the first', async () => {
  const tokens: unknown[] = [];
  const other = await listen((request, response) => {
    tokens.push(request.headers['x-auth-token']);
    const { range } = request.headers;
    if (range === undefined) return void response.end(data);
    const [first, last] = /^bytes=(\d+)-(\d+)$/.exec(range)!.slice(1).map(Number);
    const part = data.subarray(first, last! + 1);
    const head = { 'Content-Range': `bytes ${first}-${last}/${data.length}`, 'Content-Length': part.length };
    response.writeHead(206, head).end(part);
  });
  await using _other = other;
  await using cutting = await serving((response) => {
    sendHalf(response);
    setImmediate(() => response.destroy());
  });
  const cwd = await freshFolder();
  const words = ['image', 'download', 'a', '--token', 'secret', '-o', 'new'];
  const run = (...more: string[]) => tintype([...words, '--endpoint', cutting.url, ...more], { cwd });
  const { code, stderr } = await run('--also', 'http://127.0.0.1:9', '--also', other.url);
  assert.equal(code, 0, stderr);
  assert.ok((await readFile(join(cwd, 'new'))).equals(data));
  assert.deepEqual(tokens, ['secret']);
  assert.equal((await run('--also', other.url, '--redirect')).code, 2);
});

test('a download that is cut, short or wrong leaves no file and keeps the old one', async () => {
  const damaged = Buffer.from(data);
  damaged[1_000_000]! ^= 1;
  const cases: [(response: ServerResponse) => void, number, RegExp][] = [
    [(response) => void response.end(damaged), 7, /image a should have the sha512 .*, but it is /],
    [
      (response) => void response.end(data.subarray(5)),
      7,
      /should have 2000000 bytes, but there came 1999995/,
    ],
    [
      (response) => {
        sendHalf(response);
        setImmediate(() => response.destroy());
      },
      6,
      /was cut before the answer was complete/,
    ],
    [(response) => void response.writeHead(204).end(), 5, /image a has no data yet/],
    [
      (response) => answer(response, 403, { message: 'No.', code: '403 Forbidden', title: 'x' }),
      4,
      /^tintype: No.$/m,
    ],
    [
      (response) => void response.writeHead(502).end('<html><body><p>Bad gateway</p></body></html>'),
      6,
      /: Bad gateway/,
    ],
  ];
  for (const [send, code, message] of cases) {
    await using server = await serving(send);
    const cwd = await freshFolder();
    await writeFile(join(cwd, 'old'), 'old');
    const env = { TINTYPE_ENDPOINT: server.url };
    const fresh = await tintype(['image', 'download', 'a', '-o', 'new'], { cwd, env });
    assert.equal(fresh.code, code, fresh.stderr);
    assert.match(fresh.stderr, message);
    assert.ok(!fresh.stderr.includes('    at '), fresh.stderr);
    const over = await tintype(['image', 'download', 'a', '-o', 'old', '--force'], { cwd, env });
    assert.equal(over.code, code);
    assert.deepEqual((await readdir(cwd)).sort(), ['disk.raw', 'old']);
    assert.equal(await readFile(join(cwd, 'old'), 'utf8'), 'old');
  }
});

test('a signal during a download removes what was written', async () => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    await using server = await serving(sendHalf);
    const cwd = await freshFolder();
    const args = ['image', 'download', 'a', '-o', 'new', '--endpoint', server.url];
    const { child, outcome } = startTintype(args, { cwd });
    for (;;) {
      const part = (await readdir(cwd)).find((name) => name.endsWith('.part'));
      if (part !== undefined && (await stat(join(cwd, part))).size > 0) break;
    }
    child.kill(signal);
    const ended = await outcome;
    assert.deepEqual([ended.code, ended.signal], [code, null], ended.stderr);
    assert.deepEqual(await readdir(cwd), ['disk.raw']);
  }
});

test('a target that appears meanwhile is not replaced; links, devices and folders are respected', async () => {
  const cwd = await freshFolder();
  await using server = await serving((response) => {
    void writeFile(join(cwd, 'rival'), 'rival').then(() => response.end(data));
  });
  const download = (...args: string[]) =>
    tintype(['image', 'download', 'a', '--endpoint', server.url, ...args], { cwd });
  assert.equal((await download('-o', 'rival')).code, 2);
  assert.equal(await readFile(join(cwd, 'rival'), 'utf8'), 'rival');

  await mkdir(join(cwd, 'folder'));
  await writeFile(join(cwd, 'folder/real'), '');
  await symlink('folder/real', join(cwd, 'link'));
  await symlink('nowhere', join(cwd, 'dangling'));
  assert.equal((await download('-o', 'link', '--force')).code, 0);
  assert.ok((await readFile(join(cwd, 'folder/real'))).equals(data));
  for (const output of ['folder', '/dev/null', 'dangling']) {
    assert.equal((await download('-o', output, '--force')).code, 2, output);
  }
  const names = ['dangling', 'disk.raw', 'folder', 'link', 'rival'];
  assert.deepEqual((await readdir(cwd)).sort(), names);
  assert.deepEqual(await readdir(join(cwd, 'folder')), ['real']);
});

test('an image without a digest is downloaded only when nobody asks to verify it', async () => {
  await using server = await listen((request, response) => {
    if (request.url!.endsWith('/file')) response.end(data);
    else answer(response, 200, image());
  });
  const cwd = await freshFolder();
  const args = ['image', 'download', 'a', '-o', 'new', '--endpoint', server.url];
  const strict = await tintype(args, { cwd });
  assert.equal(strict.code, 7);
  assert.match(strict.stderr, /cannot be verified: no digest is recorded/);
  const trusting = await tintype([...args, '--no-verify', '--json'], { cwd });
  assert.deepEqual([trusting.code, JSON.parse(trusting.stdout).verified], [0, false]);
});

test('a reader of standard output that goes away is no error to talk about', async () => {
  await using server = await serving((response) => {
    response.writeHead(200, { 'Content-Length': data.length });
    response.write(data.subarray(0, 1_000_000), () =>
      setTimeout(() => response.end(data.subarray(1_000_000)), 50),
    );
  });
  const { child, outcome } = startTintype(['image', 'download', 'a', '-q', '--endpoint', server.url]);
  await once(child.stdout!, 'data');
  child.stdout!.destroy();
  const { code, stderr } = await outcome;
  assert.deepEqual([code, stderr], [141, '']);
});

/** Takes uploads of image "a" with `put`; tells which requests came. */
async function taking(
  put: Handler,
  more: Record<string, unknown> = {},
): Promise<{ server: Listener; calls: string[] }> {
  const calls: string[] = [];
  const server = await listen(async (request, response) => {
    calls.push(`${request.method} ${request.url}`);
    if (request.method === 'PUT') return await put(request, response);
    if (request.method === 'DELETE') return void response.writeHead(204).end();
    request.resume();
    answer(response, 200, image({ status: 'queued', size: null, ...more }));
  });
  return { server, calls };
}

test('an upload that the server took in wrongly is a failure', async () => {
  const record = { size: data.length, os_hash_algo: 'sha512', os_hash_value: 'ab'.repeat(64) };
  const { server, calls } = await taking((request, response) => {
    request.resume().on('end', () => response.writeHead(204).end());
  }, record);
  await using _ = server;
  const cwd = await freshFolder();
  const create = ['image', 'create', 'a', '--file', 'disk.raw', '--endpoint', server.url];
  const deleted = await tintype(create, { cwd });
  assert.equal(deleted.code, 7);
  assert.match(deleted.stderr, /but it is abab.*\n {2}image a was deleted again/);
  assert.equal(calls.at(-1), 'DELETE /v2/images/a');
  const kept = await tintype([...create, '--keep-failed'], { cwd });
  assert.match(kept.stderr, /image a is left, its status is queued/);
});

test('an upload is proved by whatever algorithm the server uses', async () => {
  const sha256 = createHash('sha256').update(data).digest('hex');
  const record = { size: data.length, os_hash_algo: 'sha256', os_hash_value: sha256 };
  const { server } = await taking((request, response) => {
    request.resume().on('end', () => response.writeHead(204).end());
  }, record);
  await using _ = server;
  const args = ['image', 'create', 'a', '--endpoint', server.url, '--file'];
  for (const [file, input] of [['disk.raw'], ['-', data]] as const) {
    const { code, stderr } = await tintype([...args, file], { cwd: await freshFolder(), input });
    assert.equal(code, 0, stderr);
    assert.ok(!stderr.includes('not verified'), stderr);
  }
});

test('a server that refuses early, or goes away, is told with the state of the image', async () => {
  const conflict = await taking((_, response) => answer(response, 409, { error: { message: 'Too late.' } }));
  const gone = await taking((request) => void request.socket.destroy());
  const cases = [
    [conflict, 5, /Too late\.\n {2}image a is left, its status is queued/],
    [gone, 6, /was cut .*\n {2}image a is left, its status is queued/],
  ] as const;
  for (const [{ server }, code, message] of cases) {
    await using _ = server;
    const args = ['image', 'upload', 'a', 'disk.raw', '--endpoint', server.url];
    const result = await tintype(args, { cwd: await freshFolder() });
    assert.equal(result.code, code, result.stderr);
    assert.match(result.stderr, message);
  }
});

test('a signal during an upload deletes the new image, also while standard input is silent', async () => {
  const { promise: started, resolve } = Promise.withResolvers<void>();
  const { server, calls } = await taking((request) => void request.once('data', () => resolve()));
  await using _ = server;
  const args = ['image', 'create', 'a', '--disk-format', 'raw', '--file', '-', '--endpoint', server.url];
  const { child, outcome } = startTintype(args, { keepInputOpen: true });
  child.stdin!.write(data.subarray(0, 100_000));
  await started;
  child.kill('SIGINT');
  const { code, stderr } = await outcome;
  assert.equal(code, 130);
  assert.match(stderr, /^tintype: interrupted\n {2}image a was deleted again$/m);
  assert.equal(calls.at(-1), 'DELETE /v2/images/a');
});

/** Whether the process has taken its signals into its own hands: bit 0 is SIGHUP. */
async function catchesSignals(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return (Number.parseInt(/^SigCgt:\s*[0-9a-f]*([0-9a-f])$/m.exec(status)![1]!, 16) & 1) === 1;
}

test('a signal ends what waits for the first bytes of standard input', {
  skip: process.platform !== 'linux' && 'only Linux tells which signals a process catches',
}, async () => {
  const { server, calls } = await taking((request) => void request.resume());
  await using _ = server;
  for (const words of ['image create a --file -', 'image upload a -', 'inspect -']) {
    const args = [...words.split(' '), '--endpoint', server.url];
    const { child, outcome } = startTintype(args, { keepInputOpen: true });
    child.stdin!.write('too little to tell what it is');
    await until('its handlers', () => catchesSignals(child.pid!));
    child.kill('SIGINT');
    const { code, stderr } = await outcome;
    assert.equal(code, 130, stderr);
    assert.equal(stderr, 'tintype: interrupted\n');
  }
  assert.deepEqual(calls, []);
});

test('progress is lines without a terminal, and nothing with --quiet or --json', async () => {
  await using server = await serving((response) => void response.end(data));
  const cwd = await freshFolder();
  const download = (...args: string[]) =>
    tintype(['image', 'download', 'a', '--endpoint', server.url, ...args], { cwd });
  assert.match((await download('-o', '1')).stderr, /^downloading a: 1.9 MiB in \d+\.\d s \(.*\/s\)\n$/);
  assert.equal((await download('-o', '2', '--quiet')).stderr, '');
  const { stdout, stderr } = await download('-o', '3', '--json');
  assert.equal(stderr, '');
  assert.deepEqual(JSON.parse(stdout), {
    file: '3',
    id: 'a',
    size: data.length,
    verified: true,
    algorithm: 'sha512',
    digest: sha512,
  });
});

test('a name from elsewhere cannot drive the terminal', async () => {
  await using server = await listen((_, response) => answer(response, 200, image({ name: 'x\u001b[2Jy' })));
  const { stdout } = await tintype(['image', 'show', 'a', '--endpoint', server.url]);
  assert.match(stdout, /^name +x\\u\{1b\}\[2Jy$/m);
});

test('a disk that takes no more is told, and nothing is left on it', async () => {
  await using server = await serving((response) => void response.end(data));
  const cwd = await freshFolder();
  const node = join(root, 'limited-node');
  await writeFile(node, `#!/bin/sh\nulimit -f 2000\nexec ${process.execPath} "$@"\n`, { mode: 0o755 });
  const args = ['image', 'download', 'a', '-o', 'new', '--endpoint', server.url];
  const { code, stderr } = await tintype(args, { cwd, node });
  assert.equal(code, 1);
  assert.match(stderr, /^tintype: cannot write .*new: the file would be larger than is allowed$/m);
  assert.deepEqual(await readdir(cwd), ['disk.raw']);
});

const full = '/dev/full';
test('standard output that takes no more is told in a sentence', {
  skip: !existsSync(full) && `there is no ${full}`,
}, async () => {
  await using server = await serving((response) => void response.end(data));
  const node = join(root, 'to-full-disk');
  await writeFile(node, `#!/bin/sh\nexec ${process.execPath} "$@" >${full}\n`, { mode: 0o755 });
  const sentence = 'cannot write to standard output: no space left on the device';
  for (const words of ['show a', 'download a --quiet', '--help']) {
    const args = [...words.split(' '), '--endpoint', server.url];
    const { code, stderr } = await tintype(['image', ...args], { node });
    assert.equal(code, 1);
    assert.equal(stderr, `tintype: ${sentence}\n`);
  }
  const asJson = ['--json', 'image', 'show', 'a', '--endpoint', server.url];
  const { error } = JSON.parse((await tintype(asJson, { node })).stderr);
  assert.deepEqual(error, { code: 'file', message: sentence, exitCode: 1 });
});
