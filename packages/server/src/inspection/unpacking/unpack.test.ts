/** What is packed comes out whole, or not at all: every format, every kind of damage, and what would become too large. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { type Sample, Samples } from '../../../../../test/formats/samples.ts';
import { Sandbox } from '../sandbox.ts';
import { packedAs, unpack } from './unpack.ts';

const samples = new Samples();
after(() => samples.remove());
const { skip } = samples;
const sandbox = new Sandbox('bubblewrap');
const mebi = 1024 * 1024;

async function contentOf(path: string, most = 64 * mebi, tools: Sandbox | null = sandbox) {
  const format = await packedAs(path);
  assert.notEqual(format, null);
  const hash = createHash('sha256');
  let size = 0;
  const { signal } = new AbortController();
  for await (const chunk of unpack(tools, { path, format: format!, most, signal })) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { format, size, sha256: hash.digest('hex') };
}

const pathOf = ({ file }: Pick<Sample, 'file'>) => join(samples.folder, file);
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');
const given = randomBytes(3 * mebi + 17);

function written(name: string, data: Uint8Array): string {
  const path = join(samples.folder, name);
  writeFileSync(path, data);
  return path;
}

/** `given`, as a program of the system packs it. */
function packedBy(program: string): Buffer {
  const words = ['--compress', '--stdout', written('given.raw', given)];
  return execFileSync(program, words, { maxBuffer: 64 * mebi });
}

describe('samples', { skip }, () => {
  const packed = samples.all.filter(({ container_format }) => container_format === 'compressed');

  test('that are safe come out as what the manifest says', async () => {
    const safe = packed.filter(({ safe }) => safe);
    assert.ok(safe.length >= 7, `only ${safe.length}`);
    for (const sample of safe) {
      const { size } = await contentOf(pathOf(sample));
      assert.equal(size, sample.virtual_size, sample.file);
    }
  });

  test('that are not are refused, with a sentence', async () => {
    const evil = packed.filter(({ safe }) => !safe);
    assert.ok(evil.length >= 15, `only ${evil.length}`);
    for (const sample of evil) {
      const expected = sample.file.includes('bomb-1g')
        ? 'unpack_cap'
        : /evil|dotdot|symlink|differ/.test(sample.file)
          ? 'unsafe_image'
          : 'format_mismatch';
      const failure = await contentOf(pathOf(sample)).then(
        () => assert.fail(`${sample.file} came out`),
        (error: { code: string; message: string }) => error,
      );
      assert.equal(failure.code, expected, `${sample.file}: ${failure.message}`);
      assert.match(failure.message, /^(The|More) .{20,}\.$/);
    }
  });

  test('that are disks are not packed', async () => {
    const disks = samples.all.filter(({ file }) => /^(qcow2-v3|gpt|iso-9660|vmdk-stream|raw-)/.test(file));
    for (const sample of disks) assert.equal(await packedAs(pathOf(sample)), null, sample.file);
  });
});

describe('each format', { skip }, () => {
  const streams: Readonly<Record<string, () => Buffer>> = {
    gzip: () => gzipSync(given),
    zstd: () => zstdCompressSync(given, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
    xz: () => packedBy('xz'),
    bzip2: () => packedBy('bzip2'),
  };
  const twice = sha256(Buffer.concat([given, given]));
  for (const [format, pack] of Object.entries(streams)) {
    test(`${format}: several streams follow each other`, async () => {
      const once = pack();
      const found = await contentOf(written('twice', Buffer.concat([once, once])));
      assert.deepEqual(found, { format, size: 2 * given.length, sha256: twice });
    });

    test(`${format}: what is cut, changed or followed by rubbish is refused`, async () => {
      const whole = pack();
      const changed = Buffer.from(whole);
      changed.writeUInt32LE(~changed.readUInt32LE(whole.length - 12) >>> 0, whole.length - 12);
      const bad = {
        cut: whole.subarray(0, -20),
        half: whole.subarray(0, whole.length / 2),
        changed,
        followed: Buffer.concat([whole, Buffer.from('rubbish that is no stream of any kind')]),
      };
      for (const [how, data] of Object.entries(bad))
        await assert.rejects(
          contentOf(written('bad', data)),
          { code: 'format_mismatch' },
          `${format} ${how}`,
        );
    });

    test(`${format}: more than may come of it does not`, async () => {
      const path = written('large', pack());
      await assert.rejects(contentOf(path, given.length - 1), { code: 'unpack_cap' });
      assert.equal((await contentOf(path, given.length)).size, given.length);
    });
  }

  test('zstd: frames to be skipped are skipped', async () => {
    const skipped = Buffer.from('502a4d1804000000aabbccdd', 'hex');
    const frame = zstdCompressSync(given);
    const path = written('frames', Buffer.concat([frame, skipped, frame, skipped]));
    assert.equal((await contentOf(path)).sha256, twice);
  });

  test('lha: a second file, and a wrong checksum', async () => {
    const whole = readFileSync(pathOf({ file: 'lha.lzh' }));
    const changed = Buffer.from(whole);
    changed[300]! ^= 0xff;
    await assert.rejects(contentOf(written('changed', changed)), { code: 'format_mismatch' });
    const two = Buffer.concat([whole.subarray(0, -1), whole]);
    await assert.rejects(contentOf(written('two', two)), /more than one file/);
  });

  test('without a sandbox those are unpacked that need none', async () => {
    for (const file of ['gzip.gz', 'zstd.zst', 'zip.zip']) await contentOf(pathOf({ file }), 64 * mebi, null);
    for (const file of ['xz.xz', 'lha.lzh']) {
      const refused = contentOf(pathOf({ file }), 64 * mebi, null);
      await assert.rejects(refused, { code: 'conversion_unavailable' });
    }
  });
});

test('a bomb is stopped when it has become too large, however large it would become', { skip }, async () => {
  const zeros = join(samples.folder, 'zeros.xz');
  execFileSync('sh', ['-c', 'head -c 300M /dev/zero | xz -0 > "$1"', 'sh', zeros]);
  await assert.rejects(contentOf(zeros, 64 * mebi), { code: 'unpack_cap' });
});

test('it ends with the signal', { skip }, async () => {
  const path = written('slow', packedBy('bzip2'));
  const signal = AbortSignal.abort(new Error('enough'));
  for (const format of ['bzip2', 'gzip'] as const)
    await assert.rejects(unpack(sandbox, { path, format, most: 1, signal }).next(), /enough|abort/i);
});
