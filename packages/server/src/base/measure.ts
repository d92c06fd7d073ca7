/** One pass over an upload that counts, caps, hashes and lets an observer look at the bytes. */
import { Failure } from './failure.ts';
import { hashPassing } from './hashing/hash-passing.ts';

/** Sees every chunk in order; either method may throw, which ends the pass with that error. */
export interface Observer {
  update(chunk: Uint8Array): void;
  /** After the last chunk, before the pass ends: what throws here keeps a store from committing. */
  finish?(): unknown;
}

export interface MeasureOptions {
  /** Bytes; one more fails with size_cap. */
  readonly cap: number;
  /** Bytes announced by the sender, or null; any other number fails with size_mismatch. */
  readonly expectedSize: number | null;
  /** A name that node:crypto knows; null: only count, cap and compare. */
  readonly hashAlgorithm: string | null;
  readonly md5: boolean;
  /** Lower-case hex by algorithm; a difference fails with digest_mismatch at the end of the pass. */
  readonly expectedDigests?: Readonly<Record<string, string>>;
  readonly observe?: Observer;
  /** Passes every chunk on as it comes, for who waits for it; otherwise several may come as one. */
  readonly asTheyCome?: boolean;
}

export interface Measured {
  readonly size: number;
  /** md5 in hex, or null when not asked for. */
  readonly checksum: string | null;
  readonly hashAlgorithm: string;
  readonly hashValue: string;
}

export class Measure {
  readonly #options: MeasureOptions;
  readonly #algorithms: ReadonlySet<string>;
  #digests: ReadonlyMap<string, string> = new Map();
  #size = 0;

  constructor(options: MeasureOptions) {
    this.#options = options;
    const names = Object.keys(options.expectedDigests ?? {});
    if (options.hashAlgorithm !== null) names.push(options.hashAlgorithm);
    if (options.md5) names.push('md5');
    this.#algorithms = new Set(names);
  }

  /** Bytes seen so far. */
  get size(): number {
    return this.#size;
  }

  /** Passes the bytes of `source` on unchanged, in chunks of which each is valid until the next is asked for. To be iterated once. */
  async *through(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    const look = (chunk: Uint8Array) => this.#look(chunk);
    const digests = yield* hashPassing(source, [...this.#algorithms], look, this.#options.asTheyCome);
    this.#end(digests);
  }

  /** Only after `through` has ended, and with an algorithm. */
  result(): Measured {
    const { hashAlgorithm, md5 } = this.#options;
    const hashValue = hashAlgorithm === null ? undefined : this.#digests.get(hashAlgorithm);
    if (hashAlgorithm === null || hashValue === undefined)
      throw new Failure('internal', 'The measure was read before its end.');
    const checksum = md5 ? this.#digests.get('md5')! : null;
    return { size: this.#size, checksum, hashAlgorithm, hashValue };
  }

  #look(chunk: Uint8Array): void {
    const { cap, expectedSize, observe } = this.#options;
    this.#size += chunk.length;
    if (expectedSize !== null && this.#size > expectedSize) {
      throw new Failure('size_mismatch', `More bytes arrived than the ${expectedSize} announced.`);
    }
    if (this.#size > cap)
      throw new Failure('size_cap', `The image is larger than the limit of ${cap} bytes.`);
    observe?.update(chunk);
  }

  #end(digests: ReadonlyMap<string, string>): void {
    const { expectedSize, expectedDigests, observe } = this.#options;
    if (expectedSize !== null && this.#size < expectedSize) {
      throw new Failure('size_mismatch', `${expectedSize} bytes were announced, ${this.#size} arrived.`);
    }
    observe?.finish?.();
    this.#digests = digests;
    for (const [name, expected] of Object.entries(expectedDigests ?? {})) {
      const found = digests.get(name);
      if (found !== expected.toLowerCase()) {
        throw new Failure(
          'digest_mismatch',
          `The ${name} of the data is ${found}, expected was ${expected}.`,
        );
      }
    }
  }
}
