/** Inspection of a passing raw disk, beside all the processor time that its upload takes. */
import { randomFillSync } from 'node:crypto';
import { Inspector } from '@tintype/inspector';
import { median } from '../measure/figures.ts';
import type { Parts } from './parts.ts';
import { uploadOnce } from './upload.ts';

const gigabyte = 1e9;
const gibibyte = 1024 ** 3;
/** What a socket typically gives at a time. */
const chunk = randomFillSync(Buffer.allocUnsafe(64 * 1024));

/** Seconds for `bytes` of them. */
function inspectOnce(bytes: number): number {
  const inspector = new Inspector();
  const start = performance.now();
  for (let done = 0; done < bytes; done += chunk.length) inspector.update(chunk);
  const { size } = inspector.finish();
  const seconds = (performance.now() - start) / 1000;
  if (size < bytes) throw new Error(`${size} bytes of ${bytes} were inspected.`);
  return seconds;
}

export async function inspect(parts: Parts): Promise<void> {
  const { scale, report } = parts;
  const bytes = 8 * scale.large;
  inspectOnce(bytes);
  const runs: { seconds: number; used: number }[] = [];
  for (let round = 0; round < scale.repeats; round += 1) {
    const seconds = inspectOnce(bytes);
    const { used } = await uploadOnce(parts);
    runs.push({ seconds, used });
  }
  report({
    what: 'inspection of raw data',
    value: median(runs.map(({ seconds }) => bytes / gigabyte / seconds)),
    unit: 'GB/s',
    target: { atLeast: 3 },
  });
  report({
    what: 'part of the processor time of an upload',
    value: median(runs.map(({ seconds, used }) => ((seconds / bytes) * gibibyte * 100) / used)),
    unit: '%',
    target: { atMost: 3 },
  });
}
