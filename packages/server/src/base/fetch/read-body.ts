/** The chunks of one answer's body, with an eye on its pace. */
import type { Answer } from './ask.ts';
import { stalled } from './failures.ts';
import { type StallLimits, StallWatch } from './stall-watch.ts';

/**
 * Chunks as they come off the connection, which is closed at the end. Fails with source_stalled or the reason of
 * `signal`; anything else that is thrown means that the connection ended before the body.
 */
export async function* readBody(
  answer: Answer,
  limits: StallLimits,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, undefined> {
  const { body } = answer;
  const watch = new StallWatch(limits, () => {
    body.destroy(stalled(answer.target.url, 'its data stood still', limits.stallMs));
  });
  const chunks: AsyncIterator<Uint8Array, undefined> = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      watch.wait();
      const step = await chunks.next();
      watch.arrived(step.value?.length ?? 0);
      signal.throwIfAborted();
      if (step.done) return;
      yield step.value;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    watch.stop();
    answer.close();
  }
}
