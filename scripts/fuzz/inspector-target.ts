/** What must hold for the inspector whatever the data is. */
import assert from 'node:assert/strict';
import { Inspector, inspectSource } from '@tintype/inspector';
import { createDigest } from '../../test/formats/samples.ts';
import type { Chance } from './chance.ts';

const options = { createDigest, virtualSizeCap: 2 ** 44 };
const longestRead = 600 * 1024;
const kib = 1024;

export const inspectorFiles = '/packages/inspector/src/';

/** Fails when the inspector throws, when stream and file differ, or when it reads more than it needs to. */
export async function tryInspector(input: Buffer, chance: Chance): Promise<void> {
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
