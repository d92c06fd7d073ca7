/** Waits for work that may never end. */

/**
 * What `work` resolves with, unless `ms` pass or `signal` aborts before: then throws `late()` or the signal's
 * reason, and what becomes of `work` is nobody's concern any more.
 */
export async function within<T>(
  work: Promise<T>,
  ms: number,
  signal: AbortSignal,
  late: () => Error,
): Promise<T> {
  const { promise: given, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  const timer = setTimeout(() => reject(late()), ms);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, given]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
