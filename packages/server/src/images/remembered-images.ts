/** Image records read before, each good for as long as its row in the database is of the same version. */
import type { Image } from './image.ts';

/** Which version of which row; no two versions of an image are equal. */
export interface RowVersion {
  readonly id: string;
  /** The transaction that wrote it: another one for each change, whoever makes it. */
  readonly version: string;
  /** When: numbers of transactions come again after billions of them, or in a database put back from a copy. */
  readonly changed: string;
}

interface Remembered extends RowVersion {
  readonly image: Image;
  readonly length: number;
}

/** Characters of records in each generation: some 4,000 images of usual size. */
const usualMost = 4 * 1024 * 1024;

/** Bounded by two generations: what the younger lacks is looked for in the older, which then ends. */
export class RememberedImages {
  readonly #most: number;
  #younger = new Map<string, Remembered>();
  #older = new Map<string, Remembered>();
  /** Of the younger generation. */
  #characters = 0;

  constructor(most = usualMost) {
    this.#most = most;
  }

  /** The image as this version of its row has it. It is shared, and cannot be changed. */
  find(row: RowVersion): Image | undefined {
    const young = this.#younger.get(row.id);
    const known = young ?? this.#older.get(row.id);
    if (known === undefined || known.version !== row.version || known.changed !== row.changed)
      return undefined;
    if (young === undefined) this.#keep(known);
    return known.image;
  }

  add({ id, version, changed }: RowVersion, image: Image): void {
    Object.freeze(image.tags);
    Object.freeze(image.properties);
    const { length } = JSON.stringify(image);
    this.#keep({ id, version, changed, image: Object.freeze(image), length });
  }

  #keep(known: Remembered): void {
    if (this.#characters + known.length > this.#most) {
      this.#older = this.#younger;
      this.#younger = new Map();
      this.#characters = 0;
    }
    this.#younger.set(known.id, known);
    this.#characters += known.length;
  }
}
