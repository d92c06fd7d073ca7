/** Which parts of some source files have run, as V8 counts them. */
import { type Profiler, Session } from 'node:inspector';

export class Coverage implements Disposable {
  readonly #session = new Session();
  readonly #isCounted: (url: string) => boolean;

  /** Of the files whose address `isCounted` says yes to. One at a time in a process. */
  constructor(isCounted: (url: string) => boolean) {
    this.#isCounted = isCounted;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Names of the blocks that ran since the last call. */
  take(): Set<string> {
    let scripts: Profiler.ScriptCoverage[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw error;
      scripts = result;
    });
    const blocks = new Set<string>();
    for (const { url, functions } of scripts) {
      if (!this.#isCounted(url)) continue;
      for (const { ranges } of functions) {
        // The first range is the function, the others are blocks in it that ran more or less often.
        if (ranges[0]!.count === 0) continue;
        for (const { startOffset, endOffset, count } of ranges)
          blocks.add(`${url}:${startOffset}-${endOffset}:${count === 0 ? 'not' : 'ran'}`);
      }
    }
    return blocks;
  }

  [Symbol.dispose](): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }
}
