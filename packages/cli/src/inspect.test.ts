/** `tintype inspect`: files, pipes and addresses, for people and for programs. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { listen } from './testing/listen.ts';
import { type RunOptions, startTintype, tintype } from './testing/tintype.ts';

let folder: string;

/** A version 3 header; with the offset of a backing file if one is given. */
function qcow2(backingOffset = 0): Buffer {
  const image = Buffer.alloc(100_000);
  image.write('QFI\xfb', 0, 'latin1');
  for (const [at, value] of [
    [4, 3],
    [12, backingOffset],
    [20, 16],
    [28, 1024 * 1024],
    [36, 1],
    [96, 4],
    [100, 104],
  ] as const)
    image.writeUInt32BE(value, at);
  return image;
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tintype-inspect-'));
  await writeFile(join(folder, 'good.qcow2'), qcow2());
  await writeFile(join(folder, 'evil.qcow2'), qcow2(512));
});
after(() => rm(folder, { recursive: true, force: true }));

function inspect(args: string, options: RunOptions = {}) {
  return tintype(['inspect', ...args.split(' ')], { cwd: folder, ...options });
}

test('a safe file is told in words, with exit code 0', async () => {
  const { code, stdout, stderr } = await inspect('good.qcow2');
  assert.deepEqual([code, stderr], [0, '']);
  assert.match(stdout, /^verdict +safe$/m);
  assert.match(stdout, /^format +qcow2 \(a qcow2 image\)$/m);
  assert.match(stdout, /^virtual size +1048576 \(1.0 MiB\)$/m);
  assert.match(stdout, /^cluster size +65536$/m);
});

test('an unsafe one has the reason and exit code 8', async () => {
  const { code, stdout, stderr } = await inspect('evil.qcow2');
  assert.deepEqual([code, stderr], [8, '']);
  assert.match(stdout, /^verdict +unsafe: the qcow2 image names a backing file$/m);
  assert.equal((await inspect('evil.qcow2 -q')).stdout, 'unsafe\n');
});

test('programs get JSON, the same from a file, a pipe and an address', async () => {
  await using server = await listen((_, response) => void response.end(qcow2(512)));
  const file = JSON.parse((await inspect('evil.qcow2 --json')).stdout);
  assert.deepEqual([file.verdict, file.format, file.size], ['unsafe', 'qcow2', 100_000]);
  const piped = await inspect('- --json', { input: qcow2(512) });
  assert.equal(piped.code, 8);
  assert.deepEqual(JSON.parse(piped.stdout), { ...file, source: 'standard input' });
  const fetched = await inspect(`${server.url}/evil.qcow2?signature=secret --json`);
  assert.equal(fetched.code, 8);
  assert.deepEqual(JSON.parse(fetched.stdout), { ...file, source: `${server.url}/evil.qcow2` });
});

test('a named pipe is read as it comes', async () => {
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const running = startTintype(['inspect', 'pipe', '-q'], { cwd: folder });
  await writeFile(join(folder, 'pipe'), qcow2());
  const { code, stdout } = await running.outcome;
  assert.deepEqual([code, stdout], [0, 'safe\n']);
});

test('data is not unpacked on the way', async () => {
  const packed = gzipSync(qcow2());
  await using server = await listen((request, response) => {
    const isWanted = /gzip/.test(request.headers['accept-encoding'] ?? '');
    response.setHeader('Content-Encoding', isWanted ? 'gzip' : 'identity');
    response.end(packed);
  });
  const { format, size } = JSON.parse((await inspect(`${server.url}/disk.gz --json`)).stdout);
  assert.deepEqual([format, size], ['gzip', packed.length]);
});

test('what cannot be read ends in another exit code, and no secret is told', async () => {
  await using server = await listen((request, response) => {
    if (request.url === '/cut')
      response.writeHead(200, { 'Content-Length': 1000 }).write('x', () => response.destroy());
    else response.writeHead(404).end();
  });
  const cases: readonly (readonly [string, number, RegExp])[] = [
    ['missing.qcow2', 1, /cannot read missing.qcow2: no such file or directory/],
    ['.', 2, /is a directory/],
    [`${server.url}/nothing?token=secret`, 3, /\/nothing was answered with status 404/],
    [`${server.url}/cut`, 6, /cannot read .*\/cut/],
    [server.url.replace('//', '//user:secret@'), 2, /a user or a password is not taken/],
    ['http://[', 2, /no valid address/],
  ];
  for (const [args, expected, message] of cases) {
    const { code, stdout, stderr } = await inspect(args);
    assert.deepEqual([code, stdout], [expected, ''], args);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /secret/);
  }
});
