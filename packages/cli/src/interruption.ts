/** Lets a command tidy up when a signal ends it. */
import { Interruption, signalExitCode } from './command-error.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Milliseconds in which a repeated signal is the same one, arriving by two ways. */
const echoMs = 300;

export interface Watch extends Disposable {
  /** Aborted with an Interruption as reason. */
  readonly signal: AbortSignal;
}

/** Until it is disposed, the first signal aborts and the second one ends the process at once. */
export function watchForSignals(): Watch {
  const controller = new AbortController();
  let since = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      since = performance.now();
      controller.abort(new Interruption(signal));
    } else if (performance.now() - since > echoMs) {
      process.exit(signalExitCode(signal));
    }
  };
  for (const signal of signals) process.on(signal, onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}
