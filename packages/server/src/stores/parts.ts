/** Cuts a stream of unknown length into parts and sends several at once, in memory that has a bound. */
import { copyInto } from '../base/copy-into.ts';
import { partMemory } from './part-memory.ts';
import { pull } from './pull.ts';

/** Bytes that the parts of one stream fill at most, as long as two of them fit. */
const memory = 64 * 1024 * 1024;

export interface PartSink<Sent> {
  /** Bytes of the part of this number; the first is 1. */
  partBytes(number: number): number;
  /** Parts sent at once, where memory allows. */
  readonly atOnce: number;
  /** Called when the first part is full, which is sent after that; not at all for a stream that ends before. */
  begin(): Promise<void>;
  /** `bytes` are valid until it settles. Its failure ends everything. */
  send(number: number, bytes: Buffer, signal: AbortSignal): Promise<Sent>;
}

export interface InParts<Sent> {
  readonly size: number;
  /** All of a stream that ended within its first part. */
  readonly whole: Buffer | null;
  /** In order. */
  readonly sent: readonly Sent[];
}

/** Throws what `body`, the sink or `signal` says; no part is being sent any more then. */
export async function sendInParts<Sent>(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
  sink: PartSink<Sent>,
): Promise<InParts<Sent>> {
  const sending = new Sending(sink);
  const either = signal === undefined ? sending.signal : AbortSignal.any([signal, sending.signal]);
  try {
    await pull(body, either, (chunk) => sending.write(chunk));
    return await sending.finish();
  } catch (error) {
    await sending.stop(error);
    throw error;
  }
}

class Sending<Sent> {
  readonly #sink: PartSink<Sent>;
  readonly #failing = new AbortController();
  readonly #sent: Sent[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #begun: Promise<void> | null = null;
  #part: Buffer | null = null;
  #filled = 0;
  #number = 1;
  #size = 0;

  constructor(sink: PartSink<Sent>) {
    this.#sink = sink;
  }

  /** Aborts when a part could not be sent, so that nobody waits for a silent source then. */
  get signal(): AbortSignal {
    return this.#failing.signal;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    this.#part ??= this.#take();
    if (chunk.length < this.#part.length - this.#filled) this.#gather(chunk);
    else return this.#writeOn(chunk);
    return undefined;
  }

  async finish(): Promise<InParts<Sent>> {
    if (this.#number === 1) {
      const whole = Buffer.from(this.#part?.subarray(0, this.#filled) ?? []);
      this.#giveBackUnsent();
      return { size: this.#size, whole, sent: [] };
    }
    if (this.#filled > 0) await this.#start();
    this.#giveBackUnsent();
    await Promise.all(this.#underWay);
    this.signal.throwIfAborted();
    return { size: this.#size, whole: null, sent: this.#sent };
  }

  async stop(reason: unknown): Promise<void> {
    this.#failing.abort(reason);
    this.#giveBackUnsent();
    await Promise.all(this.#underWay);
  }

  async #writeOn(chunk: Uint8Array): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) {
      this.#part ??= this.#take();
      const room = this.#part.length - this.#filled;
      this.#gather(rest.subarray(0, room));
      rest = rest.subarray(room);
      if (this.#filled === this.#part.length) await this.#start();
    }
  }

  #gather(bytes: Uint8Array): void {
    copyInto(this.#part!, this.#filled, bytes);
    this.#filled += bytes.length;
    this.#size += bytes.length;
  }

  #take(): Buffer {
    return partMemory.take(this.#sink.partBytes(this.#number));
  }

  #giveBackUnsent(): void {
    if (this.#part !== null) partMemory.giveBack(this.#part);
    this.#part = null;
  }

  /** Waits until there is a place, not until the part was sent. */
  async #start(): Promise<void> {
    const [part, filled, number] = [this.#part!, this.#filled, this.#number];
    this.#part = null;
    this.#filled = 0;
    this.#number += 1;
    const most = Math.min(this.#sink.atOnce, Math.floor(memory / part.length) - 1);
    while (this.#underWay.size >= Math.max(most, 1)) await Promise.race(this.#underWay);
    this.signal.throwIfAborted();
    this.#begun ??= this.#sink.begin();
    const sending = this.#begun
      .then(() => {
        this.signal.throwIfAborted();
        return this.#sink.send(number, part.subarray(0, filled), this.signal);
      })
      .then(
        (sent) => {
          this.#sent[number - 1] = sent;
          partMemory.giveBack(part);
        },
        (error) => this.#failing.abort(error),
      )
      .finally(() => this.#underWay.delete(sending));
    this.#underWay.add(sending);
  }
}
