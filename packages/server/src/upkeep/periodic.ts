/** Runs upkeep again and again, one run at a time. */
import type { Log } from '../base/log.ts';

export interface Periodic {
  /** Waits for a run under way. */
  stop(): Promise<void>;
}

/** `work` runs every `everyMs` after the end of the run before; a failure is logged and the next run comes all the same. */
export function startPeriodic(
  name: string,
  everyMs: number,
  log: Log,
  work: () => Promise<unknown>,
): Periodic {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let current: Promise<void> = Promise.resolve();
  const run = async () => {
    try {
      await work();
    } catch (err) {
      log.error({ err, upkeep: name }, 'upkeep failed');
    }
    if (!stopped) plan();
  };
  const plan = () => {
    timer = setTimeout(() => {
      current = run();
    }, everyMs).unref();
  };
  plan();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await current;
    },
  };
}
