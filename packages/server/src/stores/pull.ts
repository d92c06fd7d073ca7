/** Takes chunks from a source one by one such that an abort is noticed even while the source is silent. */

/**
 * Calls `take` with each chunk, waiting for it. Throws what the source or `take` throws, or the reason of
 * `signal`. The source is always closed; after an abort without waiting for it, since it may never answer.
 */
export async function pull(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
  take: (chunk: Uint8Array) => Promise<void> | void,
): Promise<void> {
  const iterator = source[Symbol.asyncIterator]();
  let reject: ((reason: unknown) => void) | null = null;
  const onAbort = () => reject?.(signal?.reason);
  const next = (): Promise<IteratorResult<Uint8Array>> =>
    new Promise((resolve, fail) => {
      reject = fail;
      iterator.next().then(resolve, fail);
    });
  signal?.addEventListener('abort', onAbort, { once: true });
  let finished = false;
  try {
    signal?.throwIfAborted();
    for (let step = await next(); !step.done; step = await next()) {
      const taken = take(step.value);
      if (taken !== undefined) await taken;
      signal?.throwIfAborted();
    }
    finished = true;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    if (!finished) {
      const closed = iterator.return?.().catch(() => undefined);
      if (!signal?.aborted) await closed;
    }
  }
}
