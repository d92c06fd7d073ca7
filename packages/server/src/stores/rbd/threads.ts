/** Threads that carry out commands, since every call to a cluster blocks the one that makes it. */
import { Worker } from 'node:worker_threads';
import { Failure } from '../../base/failure.ts';
import type { Answer, Arguments, CommandName, Order, Result } from './commands/table.ts';
import { CephError } from './errors.ts';

export interface RunOptions<Name extends CommandName> {
  /** Milliseconds after which nobody waits for the answer any more; undefined: that of all. */
  readonly patienceMs?: number;
  /** Called when the thread is done with it, whether or not somebody still waits: until then what it works on must stay. */
  readonly answered?: () => void;
  /** Called with a result that came when nobody waited for it any more. */
  readonly late?: (result: Result<Name>) => void;
}

interface Pending {
  readonly order: Order;
  settle(answer: Answer): void;
}

interface Thread {
  readonly worker: Worker;
  /** Ended, for whatever reason. */
  readonly ended: Promise<unknown>;
  isLoading: boolean;
  pending: Pending | null;
}

const living = new Set<Threads>();

// A thread that waits for a dead cluster ends with the process alone, which would wait for it.
process.on('exit', () => {
  if ([...living].some(({ isBusy }) => isBusy)) process.kill(process.pid, 'SIGKILL');
});

export class Threads {
  readonly #storeId: string;
  readonly #most: number;
  readonly #patienceMs: number;
  readonly #all = new Set<Thread>();
  /** They wait for an answer that nobody else waits for any more; others have taken their places. */
  readonly #stuck = new Set<Thread>();
  readonly #waiting: Pending[] = [];
  #number = 0;
  #isClosed = false;

  /** They start when they are needed, `most` of them. */
  constructor(storeId: string, most: number, patienceMs: number) {
    this.#storeId = storeId;
    this.#most = most;
    this.#patienceMs = patienceMs;
    living.add(this);
  }

  get isBusy(): boolean {
    return this.#stuck.size > 0 || [...this.#all].some(({ pending }) => pending !== null);
  }

  /** Throws what the command throws, CephError, or store_unavailable when there is no answer in time. */
  run<Name extends CommandName>(
    name: Name,
    args: Arguments<Name>,
    { patienceMs = this.#patienceMs, answered, late }: RunOptions<Name> = {},
  ): Promise<Result<Name>> {
    if (this.#isClosed) {
      answered?.();
      return Promise.reject(this.#silent(name));
    }
    const { promise, resolve, reject } = Promise.withResolvers<Result<Name>>();
    let isAwaited = true;
    const order: Order = { id: this.#number, name, args };
    this.#number += 1;
    const pending: Pending = {
      order,
      settle: (answer) => {
        clearTimeout(timer);
        answered?.();
        if (!('result' in answer)) reject(errorOf(answer));
        else if (isAwaited) resolve(answer.result as Result<Name>);
        else late?.(answer.result as Result<Name>);
      },
    };
    const giveUp = () => {
      isAwaited = false;
      const at = this.#waiting.indexOf(pending);
      if (at !== -1) {
        this.#waiting.splice(at, 1);
        answered?.();
      } else this.#replace(pending);
      reject(this.#silent(name));
    };
    const timer = Number.isFinite(patienceMs) ? setTimeout(giveUp, patienceMs) : undefined;
    this.#waiting.push(pending);
    this.#next();
    return promise;
  }

  /** Waits for those that do nothing; the others end when they have got their answer. What no thread has begun fails. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { order, settle } of this.#waiting.splice(0))
      settle({ id: order.id, error: 'the store is closed' });
    const idle = [...this.#all].filter(({ pending }) => pending === null);
    for (const thread of idle) if (!thread.isLoading) end(thread);
    await Promise.all(idle.map(({ ended }) => ended));
    if (!this.isBusy) living.delete(this);
  }

  #start(): void {
    const worker = new Worker(new URL('./thread.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
    });
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    const thread: Thread = { worker, ended, isLoading: true, pending: null };
    this.#all.add(thread);
    worker.on('message', (answer: Answer | null) => {
      if (answer === null) thread.isLoading = false;
      this.#answered(thread, answer);
    });
    worker.on('error', (error) => this.#died(thread, error));
  }

  #next(): void {
    for (const thread of this.#all) {
      if (this.#waiting.length === 0) return;
      if (thread.pending !== null || thread.isLoading) continue;
      thread.pending = this.#waiting.shift()!;
      thread.worker.ref();
      thread.worker.postMessage(thread.pending.order);
    }
    const loading = [...this.#all].filter(({ isLoading }) => isLoading).length;
    if (this.#waiting.length > loading && this.#all.size < this.#most) this.#start();
  }

  /** `answer` null: it has loaded. */
  #answered(thread: Thread, answer: Answer | null): void {
    const { pending } = thread;
    thread.pending = null;
    if (answer !== null) pending?.settle(answer);
    // A thread without work keeps no process from ending.
    thread.worker.unref();
    if (this.#stuck.delete(thread) || this.#isClosed) end(thread);
    else this.#next();
  }

  /** Not without end: a cluster may be away for long. */
  #replace(pending: Pending): void {
    const thread = [...this.#all].find((one) => one.pending === pending);
    if (thread === undefined || this.#stuck.size >= 4 * this.#most) return;
    this.#all.delete(thread);
    this.#stuck.add(thread);
    this.#next();
  }

  #died(thread: Thread, error: unknown): void {
    this.#all.delete(thread);
    thread.pending?.settle({ id: thread.pending.order.id, error: String(error) });
    // One that cannot even begin has no better successor.
    const lost = thread.isLoading ? this.#waiting.splice(0) : [];
    for (const { order, settle } of lost) settle({ id: order.id, error: String(error) });
    this.#next();
  }

  #silent(name: CommandName): Failure {
    return new Failure('store_unavailable', `Store ${this.#storeId} does not answer.`, {
      cause: new Error(`no answer to ${name}`),
    });
  }
}

function end({ worker }: Thread): void {
  worker.ref();
  worker.postMessage(null);
}

function errorOf(answer: Exclude<Answer, { result: unknown }>): Error {
  return 'errno' in answer ? new CephError(answer.call, answer.errno) : new Error(answer.error);
}
