/** A conversion in the sandbox beside the same one by bare qemu-img, and what the proof of it costs besides. */
import { execFile } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { convertDisk } from '../../packages/server/src/inspection/convert.ts';
import { inspectFile } from '../../packages/server/src/inspection/inspect-file.ts';
import { qemuConvert } from '../../packages/server/src/inspection/qemu-img.ts';
import { Sandbox } from '../../packages/server/src/inspection/sandbox.ts';
import { median } from '../measure/figures.ts';
import type { Parts } from './parts.ts';

const run = promisify(execFile);
const mebibyte = 1024 * 1024;
/** So that one slow write of the disk does not decide. */
const rounds = 5;

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Half of it data that does not compress. */
async function writeDisk(path: string, bytes: number): Promise<void> {
  await using file = await open(path, 'w');
  const piece = randomFillSync(Buffer.allocUnsafe(mebibyte));
  for (let at = 0; at < bytes; at += 2 * mebibyte) await file.write(piece, 0, mebibyte, at);
  await file.truncate(bytes);
}

export async function convert({ served, scale, report }: Parts): Promise<void> {
  const folder = await mkdtemp(join(served.folder, 'convert-'));
  try {
    const [raw, source, result] = ['disk.raw', 'disk.qcow2', 'result'].map((name) => join(folder, name));
    await writeDisk(raw!, scale.large);
    await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw!, source!]);
    const sandbox = new Sandbox('bubblewrap');
    const from = { path: source!, format: 'qcow2' };
    const to = { path: result!, format: 'raw' } as const;
    const { signal } = new AbortController();
    const seen = await inspectFile(from.path, {
      diskFormat: 'qcow2',
      containerFormat: 'bare',
      requireMatch: true,
    });
    const work = { virtualSize: scale.large, signal, tell: () => {} };
    const bare: number[] = [];
    const inside: number[] = [];
    const proved: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await rm(to.path, { force: true });
      bare.push(
        await seconds(() => run('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', from.path, to.path])),
      );
      await rm(to.path);
      await writeFile(to.path, '');
      inside.push(await seconds(() => qemuConvert(sandbox, from, to, false, work)));
      await rm(to.path);
      await writeFile(to.path, '');
      const all = { from, to, seen, compress: false, mostWritten: 2 * scale.large, signal, tell: () => {} };
      const scratch = () => Promise.reject(new Error('A raw disk needs no scratch.'));
      proved.push(await seconds(() => convertDisk(sandbox, { ...all, scratch })));
    }
    const rate = (times: readonly number[]) => scale.large / mebibyte / median(times);
    report({ what: 'limit: bare qemu-img, qcow2 to raw', value: rate(bare), unit: 'MiB/s' });
    report({ what: 'conversion in the sandbox', value: rate(inside), unit: 'MiB/s' });
    report({
      what: 'time beside bare qemu-img',
      value: (median(inside) / median(bare)) * 100,
      unit: '%',
      target: { atMost: 110 },
    });
    report({ what: 'with comparison and digest', value: rate(proved), unit: 'MiB/s' });
  } finally {
    await rm(folder, { recursive: true });
  }
}
