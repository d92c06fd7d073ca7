/** Waiting for what announces itself by no event. */
import { setTimeout as delay } from 'node:timers/promises';

/** Asks every `step` ms until `isTrue` or for `limit` ms; resolves with the last answer. */
export async function pollUntil(
  isTrue: () => boolean | Promise<boolean>,
  limit: number,
  step: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const end = performance.now() + limit;
  for (;;) {
    if (await isTrue()) return true;
    if (performance.now() >= end || signal?.aborted) return false;
    await delay(step, undefined, { signal }).catch(() => {});
  }
}
