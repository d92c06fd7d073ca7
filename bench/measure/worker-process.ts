/** Load comes from processes of its own, so that it does not wait for the one that measures. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Job } from '../worker.ts';

const program = path.join(import.meta.dirname, '../worker.ts');

export interface WorkerProcess<Result> extends AsyncDisposable {
  readonly pid: number;
  /** The first line it wrote; fails when it ends without one. */
  readonly first: Promise<Result>;
  /** The last line, after its end. Asks it to end first when `stop` is set. */
  last(stop?: boolean): Promise<Result>;
}

/** Starts `worker.ts` with a job; what it writes are lines of JSON. Ends with the scope it is used in. */
export async function startWorker<Result>(job: Job): Promise<WorkerProcess<Result>> {
  const child = spawn(process.execPath, [program, JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child, 'spawn');
  const ended = once(child, 'close');
  const lines: Result[] = [];
  const reader = createInterface({ input: child.stdout! });
  const first = new Promise<Result>((resolve, reject) => {
    reader.on('line', (line) => {
      lines.push(JSON.parse(line) as Result);
      resolve(lines[0]!);
    });
    ended.then(() => reject(new Error(`The worker "${job.work}" ended without a result.`)), reject);
  });
  // Told to whoever waits for it, and to nobody when nobody does.
  first.catch(() => {});
  return {
    pid: child.pid!,
    first,
    async last(stop = false) {
      if (stop) child.kill('SIGTERM');
      await ended;
      if (lines.length === 0) return await first;
      return lines.at(-1)!;
    },
    [Symbol.asyncDispose]: () => end(child, ended),
  };
}

async function end(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  await ended;
}
