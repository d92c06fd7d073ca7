/** Every sample is judged as the generator's manifest says, however its bytes arrive. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type Inspection, Inspector, inspectSource } from '@tintype/inspector';
import fc from 'fast-check';
import { Inspector as UploadInspector } from '../../packages/server/src/inspection/inspect.ts';
import { runCampaign } from '../../scripts/fuzz/campaign.ts';
import { Chance } from '../../scripts/fuzz/chance.ts';
import { inspectorFiles, seedOf, tryInspector } from '../../scripts/fuzz/inspector-target.ts';
import { repair } from '../../scripts/fuzz/repair.ts';
import { chunksOf, createDigest, type Sample, Samples } from './samples.ts';

const samples = new Samples();
after(() => samples.remove());
const { skip } = samples;
const bare = samples.all.filter(({ container_format }) => container_format === 'bare');
const options = { createDigest };
const mebibyte = 1024 * 1024;

/** What only unpacking all of it tells. This list may only become shorter. */
const leftToUnpacking = ['gzip-trailing.gz', 'gzip-crc.gz', 'gzip-length-lie.gz', 'gzip-bomb-1g.gz'];
/** What the inspector calls by another name than the manifest: it does not look for an initrd, nor for a root file system. */
const otherNames: Readonly<Record<string, string>> = { 'initrd.gz': 'gzip', 'docker-rootfs.tar': 'tar' };

function inspectStream(chunks: Iterable<Uint8Array>): Inspection {
  const inspector = new Inspector(options);
  for (const chunk of chunks) inspector.update(chunk);
  return inspector.finish();
}

/** With every read of the source. */
async function inspectFile(data: Buffer): Promise<{ inspection: Inspection; bytesRead: number }> {
  let bytesRead = 0;
  const read = async (offset: number, length: number) => {
    assert.ok(
      offset >= 0 && length >= 0 && offset + length <= data.length,
      `a read of ${length} at ${offset}`,
    );
    bytesRead += length;
    return data.subarray(offset, offset + length);
  };
  return { inspection: await inspectSource({ size: data.length, read }, options), bytesRead };
}

function isRefusable({ safe, stage, file }: Sample): boolean {
  return !safe && stage !== 'convert' && !leftToUnpacking.includes(file);
}

describe('a sample is judged as the manifest says, and alike at every chunk size and from a file:', {
  skip,
}, () => {
  for (const sample of samples.all) {
    test(sample.file, async () => {
      const data = samples.read(sample);
      const { inspection } = await inspectFile(data);
      assert.equal(inspection.refusal !== null, isRefusable(sample), JSON.stringify(inspection.refusal));
      assert.equal(inspection.size, sample.size);
      if (sample.safe) {
        assert.equal(inspection.format, otherNames[sample.file] ?? sample.format);
        const tellsSize = sample.virtual_size !== null && sample.container_format !== 'compressed';
        if (tellsSize) assert.equal(inspection.virtualSize, sample.virtual_size);
      }
      for (const size of [1, 7, 511, 512, 4096, 65_536, mebibyte, 4 * mebibyte])
        assert.deepEqual(inspectStream(chunksOf(data, size)), inspection, `in chunks of ${size}`);
    });
  }

  test('what is left to unpacking exists', () => {
    const files = samples.all.map(({ file }) => file);
    for (const file of [...leftToUnpacking, ...Object.keys(otherNames)])
      assert.ok(files.includes(file), file);
  });
});

test('cuts anywhere change nothing', { skip }, () => {
  for (const sample of samples.all) {
    const data = samples.read(sample);
    const whole = inspectStream([data]);
    const position = fc.oneof(fc.nat(Math.min(data.length, 70_000)), fc.nat(data.length));
    const cut = fc.property(fc.array(position, { maxLength: 12 }), (positions) => {
      const ends = [...positions.toSorted((a, b) => a - b), data.length];
      const chunks = ends.map((end, index) => data.subarray(index === 0 ? 0 : ends[index - 1], end));
      assert.deepEqual(inspectStream(chunks), whole, sample.file);
    });
    fc.assert(cut, { numRuns: 8 });
  }
});

test('of a file only what matters is read', { skip }, async () => {
  for (const sample of bare) {
    const { bytesRead } = await inspectFile(samples.read(sample));
    const most = sample.format === 'vhd' || sample.format === 'vhdx' ? 3 * mebibyte : 256 * 1024;
    assert.ok(bytesRead <= most, `${sample.file}: ${bytesRead}`);
  }
});

test('what is made of the samples by chance breaks nothing', { skip }, async () => {
  const { findings, executions } = await runCampaign({
    seeds: samples.all.map((sample) => seedOf(samples.read(sample))),
    target: tryInspector,
    isCounted: (url) => url.includes(inspectorFiles),
    chance: new Chance(2026),
    longest: 4 * mebibyte,
    repair,
    isOver: (progress) => progress.executions > 4000,
  });
  assert.deepEqual(findings, []);
  assert.ok(executions > 4000);
});

describe('qemu-img agrees', { skip }, () => {
  const drivers: Readonly<Record<string, string>> = {
    qcow2: 'qcow2',
    vmdk: 'vmdk',
    vhd: 'vpc',
    vhdx: 'vhdx',
    vdi: 'vdi',
    ploop: 'parallels',
  };
  const judged = bare.filter(({ safe, format }) => safe && Object.hasOwn(drivers, format));
  const qemuImg = (command: string, { file, format }: Sample) =>
    spawnSync('qemu-img', [command, '-f', drivers[format]!, '--output=json', join(samples.folder, file)], {
      encoding: 'utf8',
    });

  test('about the sizes of safe samples', () => {
    assert.ok(judged.length >= 25, `only ${judged.length}`);
    for (const sample of judged) {
      const { status, stdout, stderr } = qemuImg('info', sample);
      assert.equal(status, 0, `${sample.file}: ${stderr}`);
      assert.equal(
        inspectStream([samples.read(sample)]).virtualSize,
        JSON.parse(stdout)['virtual-size'],
        sample.file,
      );
    }
  });

  test('that they are whole, but for those that are not, or need a secret', () => {
    const broken = ['qcow2-truncated.qcow2', 'qcow2-corrupt.qcow2', 'qcow2-dirty.qcow2', 'qcow2-luks.qcow2'];
    for (const sample of judged.filter(({ file }) => !broken.includes(file))) {
      const { status, stderr } = qemuImg('check', sample);
      const cannotCheck = 63;
      assert.ok(status === 0 || status === cannotCheck, `${sample.file}: ${status} ${stderr}`);
    }
  });
});

/** What an upload with these declarations comes to: nothing, or the code and sentence it is refused with. */
function upload(sample: Sample, declared: string, requireMatch = true) {
  const { container_format: containerFormat } = sample;
  const inspector = new UploadInspector({ diskFormat: declared, containerFormat, requireMatch });
  try {
    for (const chunk of chunksOf(samples.read(sample), 65_536)) inspector.update(chunk);
    return { code: null, message: '', ...inspector.finish() };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    assert.ok(code === 'unsafe_image' || code === 'format_mismatch', `${sample.file}: ${error}`);
    return { code, message, format: null, virtualSize: null };
  }
}

describe('an upload', { skip }, () => {
  test('declared honestly passes if it is safe, and is refused if it is not', () => {
    for (const sample of samples.all) {
      const { code, virtualSize } = upload(sample, sample.disk_format);
      assert.equal(code !== null, isRefusable(sample), `${sample.file}: ${code}`);
      const tellsSize =
        sample.virtual_size !== null &&
        !['compressed', 'ami', 'aki', 'ari'].includes(sample.container_format);
      if (sample.safe && tellsSize) assert.equal(virtualSize, sample.virtual_size, sample.file);
    }
  });

  test('that is dangerous is refused whatever is declared, and when nothing needs to match', () => {
    const dangerous = /backing|data-file|qcow1|qed|vmdk-(text|header|parent)|differencing|-parent|poly-iso/;
    const found = bare.filter(({ safe, file }) => !safe && dangerous.test(file));
    assert.ok(found.length >= 35, `only ${found.length}`);
    for (const sample of found)
      for (const declared of ['raw', 'iso', 'qcow2', 'vmdk', 'vhd', 'aki'])
        assert.equal(upload(sample, declared, false).code, 'unsafe_image', `${sample.file} as ${declared}`);
  });

  test('that is safe and declared as something else is refused with both names', () => {
    const declarable = ['raw', 'qcow2', 'vmdk', 'vhd', 'vhdx', 'vdi', 'iso', 'ploop', 'ami', 'ari', 'aki'];
    for (const sample of bare.filter(({ safe, file }) => safe && !/^vhd-fixed|^raw-empty/.test(file))) {
      for (const declared of declarable) {
        const { code, message } = upload(sample, declared);
        const what = `${sample.file} as ${declared}`;
        assert.equal(code, fits(sample.format, declared) ? null : 'format_mismatch', what);
        if (code !== null)
          assert.match(message, new RegExp(`declared as ${declared}, but this looks like .+\\.$`));
      }
    }
  });

  test('of a fixed VHD is raw too, the footer being part of the disk', () => {
    for (const sample of bare.filter(({ file }) => file.startsWith('vhd-fixed'))) {
      const { format, virtualSize } = upload(sample, 'raw');
      assert.deepEqual([format, virtualSize], ['raw', sample.size], sample.file);
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
