/** Disks of every format become every other; a guest sees the same, or the conversion has failed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Samples } from '../../../../test/formats/samples.ts';
import { type Conversion, convertDisk } from './convert.ts';
import { inspectFile } from './inspect-file.ts';
import { qemuCompare, type TargetFormat } from './qemu-img.ts';
import { Sandbox } from './sandbox.ts';

const samples = new Samples();
after(() => samples.remove());
const { skip } = samples;
const sandbox = new Sandbox('bubblewrap');
const mebi = 1024 * 1024;
const targets = ['raw', 'qcow2', 'vmdk', 'vhd'] as const;
const { signal } = new AbortController();
const at = (name: string) => join(samples.folder, name);

/** A disk with holes, whose length is no multiple of a cluster, and no multiple of a sector either. */
const disk = Buffer.concat([
  randomBytes(300_000),
  Buffer.alloc(9 * mebi),
  randomBytes(212_000),
  Buffer.alloc(160),
]);
/** What a guest sees of it: whole sectors. */
const seen = Buffer.concat([disk, Buffer.alloc(512 - (disk.length % 512))]);
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

function made(format: string, options: readonly string[] = []): string {
  writeFileSync(at('disk.raw'), disk);
  const path = at(`disk.${format}`);
  if (format !== 'raw')
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, ...options, at('disk.raw'), path]);
  return path;
}

async function convert(path: string, format: string, to: TargetFormat, more: Partial<Conversion> = {}) {
  const options = { diskFormat: format, containerFormat: 'bare', requireMatch: true };
  const result = at('result');
  writeFileSync(result, '');
  const parts: number[] = [];
  const converted = await convertDisk(sandbox, {
    from: { path, format },
    seen: await inspectFile(path, options),
    to: { path: result, format: to },
    compress: false,
    mostWritten: 64 * mebi,
    scratch: async (work) => {
      writeFileSync(at('scratch'), '');
      return await work(at('scratch'));
    },
    signal,
    tell: (part) => parts.push(part),
    ...more,
  });
  return { ...converted, result, parts };
}

/** As qemu-img reads it, in the clear. */
function guestSees(path: string, format: string): string {
  const driver = format === 'vhd' ? 'vpc' : format;
  execFileSync('qemu-img', ['convert', '-f', driver, '-O', 'raw', path, at('seen.raw')]);
  return createHash('sha256')
    .update(readFileSync(at('seen.raw')))
    .digest('hex');
}

describe('a disk is converted', { skip }, () => {
  const sources: Readonly<Record<string, readonly string[]>> = {
    raw: [],
    qcow2: ['-c'],
    vmdk: ['-o', 'subformat=streamOptimized'],
    vdi: [],
    vhdx: [],
  };
  for (const [from, options] of Object.entries(sources)) {
    for (const to of targets.filter((target) => target !== from)) {
      test(`from ${from} to ${to}`, async () => {
        const {
          diskDigest: digest,
          virtualSize,
          result,
          parts,
        } = await convert(made(from, options), from, to);
        assert.equal(virtualSize, seen.length);
        assert.equal(digest, sha256(seen));
        assert.equal(guestSees(result, to), sha256(seen));
        assert.ok(
          parts.length > 0 && parts.every((part, index) => part <= 1 && part >= (parts[index - 1] ?? 0)),
          `${parts}`,
        );
      });
    }
  }

  test('to a qcow2 that is compressed when that is asked for', async () => {
    writeFileSync(at('text.raw'), 'much the same '.repeat(200_000));
    const large = statSync((await convert(at('text.raw'), 'raw', 'qcow2')).result).size;
    const small = statSync((await convert(at('text.raw'), 'raw', 'qcow2', { compress: true })).result).size;
    assert.ok(small < large / 2, `${small} of ${large}`);
  });

  test('with its holes', async () => {
    const { result } = await convert(made('qcow2'), 'qcow2', 'raw');
    assert.ok(statSync(result).blocks * 512 < 2 * mebi);
  });

  test('without its snapshots', async () => {
    const { result } = await convert(at('qcow2-snapshot.qcow2'), 'qcow2', 'raw');
    renameSync(result, at('plain.raw'));
    await convert(at('plain.raw'), 'raw', 'qcow2');
    const info = execFileSync('qemu-img', ['snapshot', '-l', at('result')], { encoding: 'utf8' });
    assert.equal(info, '');
  });
});

describe('a conversion fails', { skip }, () => {
  test('when what comes out is a disk image itself', async () => {
    await assert.rejects(convert(at('qcow2-inside-qcow2.qcow2'), 'qcow2', 'raw'), {
      code: 'unsafe_image',
      message: /names a backing file/,
    });
  });

  test('when a few bytes become very many', async () => {
    const bomb = convert(at('qcow2-expansion-bomb.qcow2'), 'qcow2', 'raw', { mostWritten: 8 * mebi });
    await assert.rejects(bomb, { code: 'unpack_cap' });
  });

  test('when data is missing, which reading does not tell', async () => {
    const whole = readFileSync(made('qcow2'));
    writeFileSync(at('cut.qcow2'), whole.subarray(0, whole.length - 200_000));
    for (const [path, format] of [
      [at('cut.qcow2'), 'qcow2'],
      [at('qcow2-truncated.qcow2'), 'qcow2'],
    ] as const) {
      const failure = await convert(path, format, 'raw').then(
        () => assert.fail('it was converted'),
        (error: { code: string; message: string }) => error,
      );
      assert.equal(failure.code, 'conversion_failed');
      assert.match(failure.message, /^The qcow2 image is damaged or cut.*\.$/);
      assert.doesNotMatch(failure.message, /\/data|\/tmp/);
    }
  });

  test('when a guest would see other bytes', async () => {
    const path = made('qcow2');
    const other = Buffer.from(disk);
    other[5_000_000]! ^= 1;
    writeFileSync(at('other.raw'), other);
    const work = { virtualSize: disk.length, signal, tell: () => {} };
    const [one, two] = [
      { path, format: 'qcow2' },
      { path: at('other.raw'), format: 'raw' },
    ];
    await assert.rejects(qemuCompare(sandbox, one, two, work), {
      code: 'conversion_failed',
      message: /What a guest sees was changed/,
    });
    await qemuCompare(sandbox, one, { path: at('disk.raw'), format: 'raw' }, work);
  });

  test('with the signal', async () => {
    const ended = convert(made('qcow2'), 'qcow2', 'raw', { signal: AbortSignal.abort(new Error('enough')) });
    await assert.rejects(ended, /enough/);
  });
});
