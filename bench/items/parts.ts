/** What the items of the benchmark are made of. */
import type { Figure } from '../measure/figures.ts';
import type { Served } from '../measure/served.ts';

export interface Scale {
  /** Bytes of a large image. */
  readonly large: number;
  /** How often a measurement of a large image is repeated. */
  readonly repeats: number;
  /** Of slow uploads and downloads. */
  readonly slowSeconds: number;
  /** In the database. */
  readonly images: number;
  /** Of each kind of list. */
  readonly listSeconds: number;
  /** Small ones, of one measurement. */
  readonly imports: number;
}

const mebibyte = 1024 * 1024;

export const fullScale: Scale = {
  large: 1024 * mebibyte,
  repeats: 3,
  slowSeconds: 16,
  images: 100_000,
  listSeconds: 4,
  imports: 1000,
};

export const quickScale: Scale = {
  large: 256 * mebibyte,
  repeats: 1,
  slowSeconds: 4,
  images: 20_000,
  listSeconds: 1,
  imports: 200,
};

export interface Parts {
  readonly served: Served;
  readonly scale: Scale;
  /** Prints a figure at once and keeps it. */
  report(figure: Figure): void;
  /** Prints a sentence. */
  tell(sentence: string): void;
}

export type Item = (parts: Parts) => Promise<void>;
