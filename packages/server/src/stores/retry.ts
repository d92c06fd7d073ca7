/** Repeats a call to a store that failed for a reason that passes. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface RetryRules {
  /** Milliseconds after the first call began, after which it is not repeated: a store that hangs is not asked again. */
  readonly withinMs: number;
  /** Milliseconds before the second call; doubled each time. */
  readonly delayMs: number;
  /** Calls at most. */
  readonly attempts: number;
}

/** Throws what the last call threw, or the reason of `signal`. */
export async function retrying<T>(
  rules: RetryRules,
  passes: (error: unknown) => boolean,
  signal: AbortSignal | undefined,
  call: () => Promise<T>,
): Promise<T> {
  const began = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      signal?.throwIfAborted();
      return await call();
    } catch (error) {
      signal?.throwIfAborted();
      const late = performance.now() - began > rules.withinMs;
      if (attempt >= rules.attempts || late || !passes(error)) throw error;
      // Not in step with others that failed at the same moment.
      const delay = rules.delayMs * 2 ** (attempt - 1) * (0.5 + Math.random());
      await sleep(delay, undefined, { signal }).catch(() => signal?.throwIfAborted());
    }
  }
}
