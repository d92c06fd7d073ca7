/** Runs upkeep again and again, one run at a time. */
import type { Log } from '../base/log.ts';

export interface Periodic {
  /** Runs now, or once more after the run under way. */
  hurry(): void;
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
  let running = false;
  let again = false;
  let timer: NodeJS.Timeout | undefined;
  let current: Promise<void> = Promise.resolve();
  const runOnce = async () => {
    try {
      await work();
    } catch (err) {
      log.error({ err, upkeep: name }, 'upkeep failed');
    }
  };
  const run = async () => {
    running = true;
    do {
      again = false;
      await runOnce();
    } while (again && !stopped);
    running = false;
    if (!stopped) plan();
  };
  const start = () => {
    current = run();
  };
  const plan = () => {
    timer = setTimeout(start, everyMs).unref();
  };
  plan();
  return {
    hurry() {
      again = true;
      if (running || stopped) return;
      clearTimeout(timer);
      start();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await current;
    },
  };
}
