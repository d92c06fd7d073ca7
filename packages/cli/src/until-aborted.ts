/** What a stream brings until a signal: a silent one would keep the command for ever. */
import type { Readable } from 'node:stream';

/** Throws the reason of `signal` as soon as that is aborted. */
export async function* untilAborted(stream: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  const stop = () => stream.destroy(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  try {
    signal.throwIfAborted();
    yield* stream as AsyncIterable<Buffer>;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
