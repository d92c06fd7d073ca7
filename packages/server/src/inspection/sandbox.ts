/** Runs programs on what users sent: shut in, limited, ended when they stand still, and never taken at their word. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../base/failure.ts';
import { type Program, type SandboxMode, sandboxWords } from './sandbox-words.ts';

export interface RunOptions {
  /** Ends it, with all that it has started. */
  readonly signal?: AbortSignal;
  /** Milliseconds without a sign of life after which it has failed with step_stalled; two minutes unless given. */
  readonly quietMs?: number;
  /** Called with what it says on standard output. */
  readonly heard?: (text: string) => void;
  /** Whether a program that complains has failed, however it ends. */
  readonly isSilent?: boolean;
}

/** It ended otherwise than well. */
export class ProgramFailed extends Error {
  /** Null: it was ended by `signal`. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said last, for the log. */
  readonly said: string;

  constructor(name: string, code: number | null, signal: NodeJS.Signals | null, said: string) {
    super(`${name} ended with ${code ?? signal}: ${said}`);
    this.name = 'ProgramFailed';
    this.code = code;
    this.signal = signal;
    this.said = said;
  }
}

/** Characters of its output that are kept: the last ones. */
const keptText = 16 * 1024;
const usualQuietMs = 120_000;

export class Sandbox {
  readonly mode: SandboxMode;
  /** Where the programs are: one of those that are seen inside. */
  readonly folder: string;

  constructor(mode: SandboxMode, folder = '/usr/bin') {
    this.mode = mode;
    this.folder = folder;
  }

  /** Resolves with the end of what it said. Fails with ProgramFailed, step_stalled, or the reason of the signal. */
  async run(program: Program, options: RunOptions = {}): Promise<string> {
    let said = '';
    for await (const chunk of this.stream(program, Readable.from([]), options)) {
      const text = Buffer.from(chunk).toString('latin1');
      options.heard?.(text);
      said = (said + text).slice(-keptText);
    }
    return said;
  }

  /** What it makes of `input`, in chunks; fails as `run` does, and with what `input` fails with. */
  async *stream(
    program: Program,
    input: AsyncIterable<Uint8Array>,
    options: RunOptions = {},
  ): AsyncGenerator<Uint8Array, void, void> {
    const [command, ...words] = sandboxWords(this.mode, program, this.folder);
    const child = spawn(command!, words, {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { LC_ALL: 'C' },
      cwd: '/',
    });
    const life = new Life(child, options);
    const closed = once(child, 'close').catch((error: unknown) => error);
    const complaints = lastOf(child.stderr);
    const feeding = feed(child.stdin, input).catch((error) => life.end(error));
    try {
      for await (const chunk of child.stdout) {
        life.sign();
        yield chunk as Uint8Array;
      }
      const ended = await closed;
      await feeding;
      life.throwIfEnded();
      if (!Array.isArray(ended)) throw new ProgramFailed(program.name, null, null, String(ended));
      const [code, signal] = ended as [number | null, NodeJS.Signals | null];
      if (code !== 0 || (options.isSilent === true && complaints() !== ''))
        throw new ProgramFailed(program.name, code, signal, complaints());
    } finally {
      life.end(new Error('nobody reads on'));
      await closed;
      life.release();
    }
  }
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Watches over a program: the first reason to end it is why it ended. */
class Life {
  readonly #child: Child;
  readonly #signal: AbortSignal | undefined;
  readonly #quietMs: number;
  readonly #watch: NodeJS.Timeout;
  readonly #onAbort = () => this.end(this.#signal?.reason);
  #signAt = performance.now();
  #reason: { readonly error: unknown } | null = null;

  constructor(child: Child, { signal, quietMs = usualQuietMs }: RunOptions) {
    this.#child = child;
    this.#signal = signal;
    this.#quietMs = quietMs;
    this.#watch = setInterval(() => this.#look(), Math.min(1000, quietMs));
    child.stdin.on('drain', () => this.sign());
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (signal?.aborted) this.#onAbort();
  }

  sign(): void {
    this.#signAt = performance.now();
  }

  /** The whole process group: what a program without walls has started belongs to it. */
  end(error: unknown): void {
    this.#reason ??= { error };
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has just ended by itself.
    }
  }

  throwIfEnded(): void {
    if (this.#reason !== null) throw this.#reason.error;
  }

  release(): void {
    clearInterval(this.#watch);
    this.#signal?.removeEventListener('abort', this.#onAbort);
  }

  #look(): void {
    if (performance.now() - this.#signAt < this.#quietMs) return;
    this.end(new Failure('step_stalled', `Nothing moved for ${Math.round(this.#quietMs / 1000)} seconds.`));
  }
}

/**
 * Fails with what `input` fails with, and never with the program: one that has seen enough closes its end, and what it
 * made of it is for the reader of its output to say.
 */
async function feed(stdin: Writable, input: AsyncIterable<Uint8Array>): Promise<void> {
  let trouble: { readonly error: unknown } | null = null;
  async function* copies() {
    try {
      // The source may use a chunk again once the next one is asked for.
      for await (const chunk of input) yield Buffer.from(chunk);
    } catch (error) {
      trouble = { error };
      throw error;
    }
  }
  await pipeline(copies, stdin).catch(() => undefined);
  if (trouble !== null) throw (trouble as { error: unknown }).error;
}

function lastOf(stream: Readable): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString('latin1')).slice(-keptText);
  });
  return () => text.trim();
}
