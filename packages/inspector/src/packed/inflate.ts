/** Unpacks the beginning of deflate-compressed data (RFC 1951), to see what is inside without unpacking it all. */

const lengthBases = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
];
const lengthBits = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const distanceBases = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12289, 16385, 24577,
];
const distanceBits = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
const codeLengthOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** A canonical Huffman code: how many codes there are of each length, and their symbols in order. */
interface Code {
  readonly counts: Uint16Array;
  readonly symbols: Uint16Array;
}

/** There is no more input, or enough output. */
const stop = Symbol('stop');
/** The data is no deflate stream. */
const broken = Symbol('broken');

export interface Inflated {
  readonly bytes: Uint8Array;
  /** Why there are no more bytes: it was all, the input had no more, or the limit was reached. */
  readonly end: 'all' | 'input' | 'limit';
}

/** Up to `limit` bytes of what `input` unpacks to; null when it is broken. `input` may be cut anywhere. */
export function inflateStart(input: Uint8Array, limit: number): Inflated | null {
  const inflation = new Inflation(input, limit);
  try {
    inflation.run();
    return { bytes: inflation.output, end: 'all' };
  } catch (thrown) {
    if (thrown === broken) return null;
    if (thrown !== stop) throw thrown;
  }
  return { bytes: inflation.output, end: inflation.output.length === limit ? 'limit' : 'input' };
}

class Inflation {
  readonly #input: Uint8Array;
  readonly #output: Uint8Array;
  #length = 0;
  #at = 0;
  #bits = 0;
  #bitCount = 0;

  constructor(input: Uint8Array, limit: number) {
    this.#input = input;
    this.#output = new Uint8Array(limit);
  }

  get output(): Uint8Array {
    return this.#output.subarray(0, this.#length);
  }

  run(): void {
    let isLast = false;
    while (!isLast) {
      isLast = this.#take(1) === 1;
      const kind = this.#take(2);
      if (kind === 0) this.#stored();
      else if (kind === 1) this.#compressed(fixedCodes.literals, fixedCodes.distances);
      else if (kind === 2) this.#dynamic();
      else throw broken;
    }
  }

  #take(count: number): number {
    while (this.#bitCount < count) {
      if (this.#at === this.#input.length) throw stop;
      this.#bits |= this.#input[this.#at]! << this.#bitCount;
      this.#at += 1;
      this.#bitCount += 8;
    }
    const value = this.#bits & ((1 << count) - 1);
    this.#bits >>>= count;
    this.#bitCount -= count;
    return value;
  }

  #put(byte: number): void {
    if (this.#length === this.#output.length) throw stop;
    this.#output[this.#length] = byte;
    this.#length += 1;
  }

  #stored(): void {
    this.#bits = 0;
    this.#bitCount = 0;
    const length = this.#take(16);
    if ((this.#take(16) ^ 0xffff) !== length) throw broken;
    for (let index = 0; index < length; index += 1) this.#put(this.#take(8));
  }

  #dynamic(): void {
    const literalCount = this.#take(5) + 257;
    const distanceCount = this.#take(5) + 1;
    const lengths = new Uint8Array(19);
    const described = this.#take(4) + 4;
    for (let index = 0; index < described; index += 1) lengths[codeLengthOrder[index]!] = this.#take(3);
    const all = this.#codeLengths(codeOf(lengths), literalCount + distanceCount);
    this.#compressed(codeOf(all.subarray(0, literalCount)), codeOf(all.subarray(literalCount)));
  }

  #codeLengths(code: Code, count: number): Uint8Array {
    const lengths = new Uint8Array(count);
    for (let index = 0; index < count; ) {
      const symbol = this.#symbol(code);
      if (symbol < 16) {
        lengths[index] = symbol;
        index += 1;
        continue;
      }
      if (symbol === 16 && index === 0) throw broken;
      const value = symbol === 16 ? lengths[index - 1]! : 0;
      const repeats =
        symbol === 16 ? 3 + this.#take(2) : symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7);
      if (index + repeats > count) throw broken;
      lengths.fill(value, index, index + repeats);
      index += repeats;
    }
    return lengths;
  }

  #symbol({ counts, symbols }: Code): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= 15; length += 1) {
      code |= this.#take(1);
      const count = counts[length]!;
      if (code - count < first) return symbols[index + code - first]!;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw broken;
  }

  #compressed(literals: Code, distances: Code): void {
    for (;;) {
      const symbol = this.#symbol(literals);
      if (symbol === 256) return;
      if (symbol < 256) this.#put(symbol);
      else this.#copy(symbol - 257, distances);
    }
  }

  #copy(lengthSymbol: number, distances: Code): void {
    if (lengthSymbol >= lengthBases.length) throw broken;
    const length = lengthBases[lengthSymbol]! + this.#take(lengthBits[lengthSymbol]!);
    const symbol = this.#symbol(distances);
    if (symbol >= distanceBases.length) throw broken;
    const distance = distanceBases[symbol]! + this.#take(distanceBits[symbol]!);
    if (distance > this.#length) throw broken;
    for (let index = 0; index < length; index += 1) this.#put(this.#output[this.#length - distance]!);
  }
}

function codeOf(lengths: Uint8Array): Code {
  const counts = new Uint16Array(16);
  for (const length of lengths) counts[length]! += 1;
  counts[0] = 0;
  const offsets = new Uint16Array(16);
  for (let length = 1; length < 15; length += 1) offsets[length + 1] = offsets[length]! + counts[length]!;
  const symbols = new Uint16Array(lengths.length);
  for (const [symbol, length] of lengths.entries()) {
    if (length === 0) continue;
    symbols[offsets[length]!] = symbol;
    offsets[length]! += 1;
  }
  return { counts, symbols };
}

function literalLength(symbol: number): number {
  if (symbol < 144) return 8;
  return symbol < 256 ? 9 : symbol < 280 ? 7 : 8;
}

const fixedCodes = {
  literals: codeOf(Uint8Array.from({ length: 288 }, (_, symbol) => literalLength(symbol))),
  distances: codeOf(new Uint8Array(30).fill(5)),
};
