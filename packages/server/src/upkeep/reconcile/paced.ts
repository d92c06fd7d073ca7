/** Bytes at a limited rate, so that a scrub leaves disks and lines to others. */
import { setTimeout as delay } from 'node:timers/promises';

/** Milliseconds that a reader may be ahead of the rate before it waits. */
const aheadMs = 50;

/** `bytesPerSecond` null: as fast as it goes. Closes the source when the reader leaves. */
export async function* paced(
  source: AsyncIterable<Uint8Array>,
  bytesPerSecond: number | null,
): AsyncGenerator<Uint8Array> {
  const began = performance.now();
  let bytes = 0;
  for await (const chunk of source) {
    yield chunk;
    bytes += chunk.length;
    const ahead = bytesPerSecond === null ? 0 : (bytes * 1000) / bytesPerSecond - (performance.now() - began);
    if (ahead > aheadMs) await delay(ahead);
  }
}
