/** Reads an entry again in order to see whether the medium still gives what was put there. */
import { setTimeout as delay } from 'node:timers/promises';
import { readFile } from '../stores/file/read.ts';
import { type Entry, measureOf, openEntry } from './entry.ts';

/** Whether the data has its digest. At most `rate` bytes a second are read. Fails when `signal` aborts. */
export async function hasItsDigest(entry: Entry, rate: number, signal: AbortSignal): Promise<boolean> {
  const file = await openEntry(entry);
  if (file === null) return false;
  const measure = measureOf(entry.image);
  const begun = performance.now();
  try {
    for await (const _ of measure.through(readFile(file, 0, entry.image.size))) {
      const early = (measure.size / rate) * 1000 - (performance.now() - begun);
      if (early > 0) await delay(early, undefined, { signal });
      signal.throwIfAborted();
    }
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
