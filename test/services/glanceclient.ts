/** The stock glanceclient, called as Nova and Cinder call it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const here = (name: string) => path.join(import.meta.dirname, name);

// biome-ignore lint/suspicious/noExplicitAny: records of images, looked into here and there
type Record = any;

type Answer = { readonly result: Record } | { readonly refused: string; readonly said: string };

export class GlanceClient {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#answers = createInterface(child.stdout!)[Symbol.asyncIterator]();
  }

  /** One call at a time. Fails unless it is granted. */
  async call(method: string, ...args: unknown[]): Promise<Record> {
    const answer = await this.#ask(method, args);
    if ('result' in answer) return answer.result;
    throw new Error(`${method} was refused: ${answer.said}`);
  }

  /** The name of the error that it raises. */
  async refusal(method: string, ...args: unknown[]): Promise<string> {
    const answer = await this.#ask(method, args);
    if ('refused' in answer) return answer.refused;
    throw new Error(`${method} was granted`);
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'close');
    this.#child.stdin!.end();
    await ended;
  }

  /** An object that is the last argument holds the named ones. */
  async #ask(method: string, args: unknown[]): Promise<Answer> {
    const last = args.at(-1);
    const named = typeof last === 'object' && last !== null && !Array.isArray(last) ? last : null;
    const line = [method, named === null ? args : args.slice(0, -1), named ?? {}];
    this.#child.stdin!.write(`${JSON.stringify(line)}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`glanceclient ended at ${method}`);
    return JSON.parse(value);
  }
}

/** `close` it in `after`. */
export async function startGlanceClient(url: string, headers: object): Promise<GlanceClient> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tintype-glanceclient-'));
  await promisify(execFile)(here('client-commands'), [folder]);
  await rm(folder, { recursive: true });
  const child = spawn('/usr/bin/python3', [here('glanceclient-calls.py'), url, JSON.stringify(headers)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return new GlanceClient(child);
}
