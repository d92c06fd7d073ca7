/** What must hold for the inspector whatever the data is. */
import assert from 'node:assert/strict';
import { Inspector, inspectSource } from '@tintype/inspector';
import { memoryInUse } from '../../packages/inspector/src/testing/memory.ts';
import { createDigest } from '../../test/formats/samples.ts';
import type { Chance } from './chance.ts';

const options = { createDigest, virtualSizeCap: 2 ** 44 };
const longestRead = 600 * 1024;
const kib = 1024;
/** Bytes that may be kept of whatever passes. */
const mostKept = 2048 * kib;
/** Microseconds of the processor for any input, and for each MiB of it; far more than it takes, and far less than what grows with the square. */
const alwaysAllowed = 3_000_000;
const allowedPerMebibyte = 3_000_000;
/** One input of so many is weighed: it takes longer than to inspect it. */
const weighed = 100;

export const inspectorFiles = '/packages/inspector/src/';

/** Fails when the inspector throws, when stream and file differ, or when it reads, takes or keeps more than it needs to. */
export async function tryInspector(input: Buffer, chance: Chance): Promise<void> {
  const before = process.cpuUsage();
  await compare(input, chance);
  const { user, system } = process.cpuUsage(before);
  const allowed = alwaysAllowed + (input.length / (1024 * kib)) * allowedPerMebibyte;
  assert.ok(user + system <= allowed, `${user + system} µs for ${input.length} bytes`);
  if (chance.below(weighed) > 0) return;
  // What the engine has compiled and remembers the first time is not what is measured.
  const kept = Math.min(keptOf(input), keptOf(input));
  assert.ok(kept <= mostKept, `${kept} bytes are kept of ${input.length}`);
}

function keptOf(input: Buffer): number {
  const before = memoryInUse();
  const inspector = new Inspector(options);
  for (let at = 0; at < input.length; at += 65_536) inspector.update(input.subarray(at, at + 65_536));
  const kept = memoryInUse() - before;
  inspector.finish();
  return kept;
}

async function compare(input: Buffer, chance: Chance): Promise<void> {
  const inspector = new Inspector(options);
  const size = chance.pick([1000, 4096, 65_536, 1024 * kib]);
  for (let at = 0; at < input.length; ) {
    const next = at + 1 + chance.below(size);
    inspector.update(input.subarray(at, next));
    at = next;
  }
  const streamed = inspector.finish();
  let bytesRead = 0;
  const read = async (offset: number, length: number) => {
    assert.ok(length <= longestRead && offset >= 0, `a read of ${length} bytes at ${offset}`);
    bytesRead += length;
    return input.subarray(offset, offset + length);
  };
  assert.deepEqual(await inspectSource({ size: input.length, read }, options), streamed);
  // Every layer may read the head anew, and what is recognised in it the rest.
  assert.ok(bytesRead <= 8 * input.length + 256 * kib, `${bytesRead} bytes read of ${input.length}`);
  assert.ok(
    streamed.virtualSize === null ||
      streamed.refusal !== null ||
      streamed.virtualSize <= options.virtualSizeCap,
  );
  JSON.stringify(streamed);
}

/** Large samples without most of their content, which nobody looks at. */
export function seedOf(sample: Buffer): Buffer {
  const isVhdx = sample.toString('latin1', 0, 8) === 'vhdxfile';
  if (isVhdx) return sample.subarray(0, 3072 * kib);
  if (sample.length <= 300 * kib) return sample;
  return Buffer.concat([sample.subarray(0, 128 * kib), sample.subarray(-4 * kib)]);
}
