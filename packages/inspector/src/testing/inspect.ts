/** Inspects data from a stream and from a source, and expects the same, for tests. */
import assert from 'node:assert/strict';
import { inspectSource } from '../inspect-source.ts';
import type { Inspection, InspectOptions } from '../inspection.ts';
import { Inspector } from '../inspector.ts';

export async function inspect(
  content: Uint8Array | string,
  options: InspectOptions = {},
): Promise<Inspection> {
  const data = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
  const inspector = new Inspector(options);
  for (let at = 0; at < data.length; at += 10_007) inspector.update(data.subarray(at, at + 10_007));
  const inspection = inspector.finish();
  const read = async (offset: number, length: number) => data.subarray(offset, offset + length);
  assert.deepEqual(await inspectSource({ size: data.length, read }, options), inspection);
  return inspection;
}

/** Why it is refused: `unsafe: …`; null: it is safe. */
export async function refusalOf(
  content: Uint8Array | string,
  options: InspectOptions = {},
): Promise<string | null> {
  const { refusal } = await inspect(content, options);
  return refusal === null ? null : `${refusal.kind}: ${refusal.reason}`;
}
