/** Known bytes and repeatable chance for the fault tests. */
import { createCipheriv, createHash } from 'node:crypto';

/** Pseudo-random bytes, the same for the same name. */
export function knownBytes(name: string, length: number): Buffer {
  const key = createHash('sha256').update(name).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

export interface Chance {
  /** A number from 0 up to 1, without 1 (mulberry32). */
  next(): number;
  /** A whole number from `first` to `last`. */
  between(first: number, last: number): number;
  oneOf<T>(choices: readonly T[]): T;
}

function chanceFrom(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (first: number, last: number) => first + Math.floor(next() * (last - first + 1));
  return { next, between, oneOf: (choices) => choices[between(0, choices.length - 1)]! };
}

/** From TINTYPE_TEST_SEED, or a new one; printed so that a failure can be repeated. */
export function chanceOfThisRun(): Chance {
  const given = process.env.TINTYPE_TEST_SEED;
  const seed = given === undefined ? Date.now() % 2 ** 31 : Number(given);
  console.log(`TINTYPE_TEST_SEED=${seed}`);
  return chanceFrom(seed);
}
