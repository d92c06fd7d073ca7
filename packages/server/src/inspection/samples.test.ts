/** Every image that the generator makes, valid, broken and malicious, is judged as its manifest says. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Failure } from '../base/failure.ts';
import { type Inspected, Inspector } from './inspect.ts';

interface Sample {
  readonly file: string;
  readonly format: string;
  readonly disk_format: string;
  readonly container_format: string;
  readonly size: number;
  readonly virtual_size: number | null;
  readonly safe: boolean;
  readonly stage?: 'upload' | 'unpack' | 'convert';
  readonly companion?: true;
}

/** Refused only by a full inspector, with its reason. This list may only become shorter. */
const notYetSeen: Readonly<Record<string, string>> = {
  'vhd-size-lie.vhd': 'the size is told as it is, 1 TiB; that no geometry fits it is not looked at',
};

const generator = join(import.meta.dirname, '../../../../test/fixtures/make-images');
const tools = ['python3', 'qemu-img', 'genisoimage', 'xorriso', 'cryptsetup', 'sgdisk', 'zstd', 'unshare'];
const folder = mkdtempSync(join(tmpdir(), 'tintype-samples-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The samples, or why there are none. As root the generator installs the tools that it needs. */
function makeSamples(): Sample[] | string {
  const made = spawnSync('python3', [generator, folder], { encoding: 'utf8' });
  if (made.status === 0) return JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')).images;
  const missing = tools.filter((tool) => !isInstalled(tool));
  if (missing.length > 0) return `these tools are missing: ${missing.join(', ')}`;
  throw new Error(`the generator failed: ${made.stdout}${made.stderr}`);
}

function isInstalled(tool: string): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v "$1"', 'sh', tool], {
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    });
    return true;
  } catch {
    return false;
  }
}

const made = makeSamples();
const skip = typeof made === 'string' ? made : false;
const samples = typeof made === 'string' ? [] : made.filter(({ companion }) => companion !== true);
const bare = samples.filter(({ container_format }) => container_format === 'bare');

function inspect(sample: Sample, declared: string, chunks: Iterable<Buffer>, requireMatch = true): Inspected {
  const { container_format: containerFormat } = sample;
  const inspector = new Inspector({ diskFormat: declared, containerFormat, requireMatch });
  for (const chunk of chunks) inspector.update(chunk);
  return inspector.finish();
}

function readSample(sample: Sample): Buffer {
  return readFileSync(join(folder, sample.file));
}

function* whole(data: Buffer): Generator<Buffer> {
  if (data.length > 0) yield data;
}

/** Small chunks where headers and footers are, large ones between. */
function* chunked(data: Buffer, size: number): Generator<Buffer> {
  const fine = data.toString('latin1', 0, 8) === 'vhdxfile' ? 3 * 1024 * 1024 : 66_000;
  for (let at = 0; at < data.length; ) {
    const middle = at >= fine && at < data.length - 8192;
    const end = Math.min(at + (middle ? 65_536 : size), middle ? data.length - 8192 : data.length);
    yield data.subarray(at, end);
    at = end;
  }
}

function refused(run: () => Inspected): Failure | null {
  try {
    run();
    return null;
  } catch (error) {
    assert.ok(error instanceof Failure, `no Failure: ${error instanceof Error ? error.stack : error}`);
    assert.ok(['unsafe_image', 'format_mismatch'].includes(error.code), `an unexpected code: ${error.code}`);
    return error;
  }
}

describe('the samples', { skip }, () => {
  for (const size of [1, 7, 512, 65_536, Number.POSITIVE_INFINITY]) {
    test(`in chunks of ${size} are judged as the manifest says`, () => {
      for (const sample of bare) {
        const data = readSample(sample);
        const chunks = size === Number.POSITIVE_INFINITY ? whole(data) : chunked(data, size);
        const run = () => inspect(sample, sample.disk_format, chunks);
        if (sample.safe) {
          const { virtualSize } = run();
          if (sample.virtual_size !== null) assert.equal(virtualSize, sample.virtual_size, sample.file);
        } else if (sample.stage === 'upload') {
          const expected = !Object.hasOwn(notYetSeen, sample.file);
          assert.equal(refused(run) !== null, expected, `${sample.file}: refused should be ${expected}`);
        }
      }
    });
  }

  test('that are not yet seen all exist', () => {
    for (const file of Object.keys(notYetSeen))
      assert.ok(
        bare.some((sample) => sample.file === file),
        file,
      );
  });

  test('of a container other than bare pass unread', () => {
    for (const sample of samples.filter(({ container_format }) => container_format !== 'bare')) {
      const expected = { format: sample.disk_format, virtualSize: null };
      assert.deepEqual(inspect(sample, sample.disk_format, whole(readSample(sample))), expected, sample.file);
    }
  });

  test('that are dangerous are refused whatever is declared, and when nothing needs to match', () => {
    const dangerous = /backing|data-file|qcow1|qed|vmdk-(text|header|parent)|differencing|-parent|poly-iso/;
    const found = bare.filter(({ safe, file }) => !safe && dangerous.test(file));
    assert.ok(found.length >= 35, `only ${found.length}`);
    for (const sample of found) {
      for (const declared of ['raw', 'iso', 'qcow2', 'vmdk', 'vhd', 'aki']) {
        const failure = refused(() => inspect(sample, declared, whole(readSample(sample)), false));
        assert.equal(failure?.code, 'unsafe_image', `${sample.file} as ${declared}`);
      }
    }
  });
});

/** Whether data of `format` may be declared as `declared`. */
function fits(format: string, declared: string): boolean {
  const layered = ['qcow2', 'vmdk', 'vhd', 'vhdx', 'vdi', 'ploop'];
  const optical = ['iso', 'udf'];
  if (declared === 'raw') return !layered.includes(format);
  if (['ami', 'ari', 'aki'].includes(declared)) return ![...layered, ...optical].includes(format);
  return declared === 'iso' ? optical.includes(format) : declared === format;
}

describe('safe samples', { skip }, () => {
  test('declared as something else are refused with both names', () => {
    const declarable = ['raw', 'qcow2', 'vmdk', 'vhd', 'vhdx', 'vdi', 'iso', 'ploop', 'ami', 'ari', 'aki'];
    for (const sample of bare.filter(({ safe, file }) => safe && !/^vhd-fixed|^raw-empty/.test(file))) {
      for (const declared of declarable) {
        const failure = refused(() => inspect(sample, declared, whole(readSample(sample))));
        const what = `${sample.file} as ${declared}`;
        assert.equal(
          failure?.code ?? 'fits',
          fits(sample.format, declared) ? 'fits' : 'format_mismatch',
          what,
        );
        if (failure !== null)
          assert.match(failure.message, new RegExp(`declared as ${declared}, but the data`));
      }
    }
  });

  test('of a fixed VHD are raw too, the footer being part of the disk', () => {
    for (const sample of bare.filter(({ file }) => file.startsWith('vhd-fixed'))) {
      const { virtualSize } = inspect(sample, 'raw', whole(readSample(sample)));
      assert.equal(virtualSize, sample.size, sample.file);
    }
  });

  test('cut or changed anywhere in their headers never break the inspector', () => {
    let random = 1;
    const next = (below: number) => {
      random = (Math.imul(random, 1103515245) + 12345) >>> 0;
      return Math.floor((random / 2 ** 32) * below);
    };
    for (const sample of bare.filter(({ format }) => !['raw', 'mbr', 'gpt'].includes(format))) {
      const data = readSample(sample).subarray(0, 400_000);
      for (let round = 0; round < 60; round += 1) {
        const changed = Buffer.from(
          data.subarray(0, next(2) === 0 ? next(Math.min(data.length, 2048)) : data.length),
        );
        for (let count = next(4); count > 0; count -= 1)
          changed[next(Math.min(1024, changed.length))] = next(256);
        refused(() => inspect(sample, sample.disk_format, whole(changed), next(2) === 0));
      }
    }
  });
});
