/** The threads that hash for this process: they start when they are needed, and stay. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

/** What a thread is told. `update` and `finish` are answered, in the order in which they came. */
export type Order = { readonly id: number } & (
  | { readonly begin: readonly string[] }
  | { readonly update: Uint8Array }
  | { readonly finish: true }
  | { readonly forget: true }
);

/** The digests in hex, after `finish`. */
type Answer = readonly string[] | null;

/** Digests in the making, all by one thread: an order and its answer cost as much for one as for several. */
export interface ThreadHashes {
  /** Names that node:crypto knows. */
  readonly algorithms: readonly string[];
  /** Resolves when the thread has read `bytes`, which are shared memory and do not change until then. */
  update(bytes: Uint8Array<SharedArrayBuffer>): Promise<unknown>;
  /** In hex, of all that was given, in the order of `algorithms`. */
  finish(): Promise<readonly string[]>;
  /** To be called once; what is under way is answered all the same. */
  forget(): void;
}

/** One processor is left to the event loop. */
const most = Math.max(1, Math.min(availableParallelism() - 1, 8));

interface Waiting {
  resolve(answer: Answer): void;
  reject(reason: unknown): void;
}

class Thread {
  readonly #worker = new Worker(new URL('./thread.js', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
  });
  readonly #waiting: Waiting[] = [];
  #failure: Error | null = null;
  hashes = 0;

  constructor() {
    this.#worker.unref();
    this.#worker.on('message', (answer: Answer) => {
      this.#waiting.shift()!.resolve(answer);
      // A thread without work keeps no process from ending.
      if (this.#waiting.length === 0) this.#worker.unref();
    });
    this.#worker.on('error', (error) => this.#died(error));
    this.#worker.on('exit', () => this.#died(new Error('A thread that hashes has ended.')));
  }

  tell(order: Order): void {
    this.#worker.postMessage(order);
  }

  ask(order: Order): Promise<Answer> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) this.#worker.ref();
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(order);
    });
  }

  #died(error: unknown): void {
    threads.delete(this);
    this.#failure ??= new Error('A thread that hashes has failed.', { cause: error });
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}

const threads = new Set<Thread>();
let lastId = 0;

/** The one with the least to do. */
function chosenThread(): Thread {
  const [idlest] = [...threads].sort((a, b) => a.hashes - b.hashes);
  if (idlest !== undefined && (idlest.hashes === 0 || threads.size >= most)) return idlest;
  const thread = new Thread();
  threads.add(thread);
  return thread;
}

/** As many as there are threads for. */
export function beginHashes(algorithms: readonly string[]): ThreadHashes[] {
  const groups = Array.from({ length: Math.min(most, algorithms.length) }, (_, group) =>
    algorithms.filter((_name, index) => index % most === group),
  );
  return groups.map(beginTogether);
}

function beginTogether(algorithms: readonly string[]): ThreadHashes {
  const thread = chosenThread();
  lastId += 1;
  const id = lastId;
  thread.hashes += algorithms.length;
  thread.tell({ id, begin: algorithms });
  return {
    algorithms,
    update: (bytes) => thread.ask({ id, update: bytes }),
    finish: async () => (await thread.ask({ id, finish: true })) ?? [],
    forget() {
      thread.hashes -= algorithms.length;
      thread.tell({ id, forget: true });
    },
  };
}
