/** Looks at an upload while it passes: which format it has, whether it is safe, how large its disk is. */
import { Failure } from '../base/failure.ts';
import { type Examination, type StreamEnd, tailBytes } from './formats/format.ts';
import { formats } from './formats/table.ts';
import { fixedVhdSize } from './formats/vhd.ts';
import { lookOf } from './look-alikes.ts';
import { maybeFixedVhd, mismatch, refuseFixedVhdOf, refusePolyglot, satisfies } from './verdict.ts';
import { HeadKeeper, TailKeeper, WindowReader } from './windows.ts';

export interface InspectorOptions {
  readonly diskFormat: string;
  /** Only `bare` is looked into; everything else passes unread. */
  readonly containerFormat: string;
  /** False: only what is unsafe is refused, whatever was declared. */
  readonly requireMatch: boolean;
}

export interface Inspected {
  /** What the data is: a disk format's name, or `mbr`, `gpt`, `udf`; the declared format when unread. */
  readonly format: string;
  /** Bytes that a guest sees, or null when the data does not say or was not read. */
  readonly virtualSize: number | null;
}

/**
 * `update` and `finish` fail with unsafe_image or format_mismatch as soon as the bytes seen decide it.
 * Keeps the first 64 KiB until they are judged, the last 4 KiB, and at most 64 KiB in between.
 */
export class Inspector {
  readonly #options: InspectorOptions;
  readonly #read: boolean;
  readonly #tail = new TailKeeper(tailBytes);
  /** Null once it was judged. */
  #head: HeadKeeper | null;
  #size = 0;
  /** Names in the order of the table: the first is the layer that matters most. */
  #found: readonly string[] = [];
  #look = 'raw';
  #examination: Examination | null = null;
  #window: WindowReader | null = null;
  #result: Inspected | null = null;

  constructor(options: InspectorOptions) {
    this.#options = options;
    this.#read = options.containerFormat === 'bare';
    this.#head = this.#read ? new HeadKeeper() : null;
  }

  update(chunk: Uint8Array): void {
    if (!this.#read) return;
    this.#size += chunk.length;
    this.#tail.add(chunk);
    let rest = chunk;
    if (this.#head !== null) {
      rest = this.#head.add(chunk);
      if (!this.#head.full) return;
      this.#judgeHead(this.#head);
    }
    this.#window?.add(rest);
  }

  /** May be called again, with the same result. */
  finish(): Inspected {
    this.#result ??= this.#read ? this.#conclude() : { format: this.#options.diskFormat, virtualSize: null };
    return this.#result;
  }

  #judgeHead(head: HeadKeeper): void {
    this.#head = null;
    try {
      this.#judge(head.bytes);
    } finally {
      head.release();
    }
  }

  #judge(head: Buffer): void {
    const { diskFormat, requireMatch } = this.#options;
    const matching = formats.filter((format) => format.recognise(head));
    this.#found = matching.map(({ name }) => name);
    const examinations = matching.map((format) => format.examine(head));
    refusePolyglot(this.#found);
    this.#examination = examinations[0] ?? null;
    if (this.#examination !== null) this.#window = new WindowReader(this.#examination, head.length);
    this.#look = lookOf(head, this.#found);
    if (!requireMatch || satisfies(diskFormat, this.#found)) return;
    if (diskFormat === 'vhd' && maybeFixedVhd(this.#found)) return;
    throw mismatch(diskFormat, this.#look);
  }

  #conclude(): Inspected {
    const { diskFormat, requireMatch } = this.#options;
    if (this.#size === 0) {
      this.#head?.release();
      this.#head = null;
      if (requireMatch && diskFormat !== 'raw') throw mismatch(diskFormat, null);
      return { format: 'raw', virtualSize: 0 };
    }
    if (this.#head !== null) this.#judgeHead(this.#head);
    this.#window?.end();
    const end: StreamEnd = { tail: this.#tail.bytes, size: this.#size };
    const fixed = this.#found.includes('vhd') ? null : fixedVhdSize(end);
    if (fixed !== null) {
      refuseFixedVhdOf(this.#found);
      if (diskFormat === 'vhd') return { format: 'vhd', virtualSize: fixed };
    }
    const format = this.#found[0] ?? 'raw';
    if (diskFormat === 'raw' && satisfies('raw', this.#found)) return { format, virtualSize: this.#size };
    if (requireMatch && !satisfies(diskFormat, this.#found)) throw mismatch(diskFormat, this.#look);
    return { format, virtualSize: this.#virtualSize(end) };
  }

  #virtualSize(end: StreamEnd): number | null {
    if (this.#examination === null) return end.size;
    try {
      return this.#examination.finish(end);
    } catch (error) {
      const damaged = error instanceof Failure && error.code === 'format_mismatch';
      if (damaged && !this.#options.requireMatch) return null;
      throw error;
    }
  }
}
