/** The chunks of one answer's body, with an eye on its pace. */
import type { Answer } from './ask.ts';
import { stalled } from './failures.ts';
import { type StallLimits, StallWatch } from './stall-watch.ts';

/**
 * Chunks as they come off the connection, which is closed at the end; each is valid only until the next is asked for.
 * Fails with source_stalled or the reason of `signal`; anything else that is thrown means that the connection ended
 * before the body.
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
      free(step.value);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    watch.stop();
    answer.close();
  }
}

/**
 * Every chunk of a socket has a buffer of its own, which only a full garbage collection would free: a hundred MB more
 * memory, and a third more time.
 */
function free({ buffer, length }: Uint8Array): void {
  if (length >= 4096 && length === buffer.byteLength) (buffer as ArrayBuffer).transfer(0);
}
