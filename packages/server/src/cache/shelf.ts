/** The entries of a cache, least lately read first, and how many bytes they and those to come take. */
import type { Entry } from './entry.ts';

/** Milliseconds in which a web server that was given a path has opened the file. */
const lendingMs = 10_000;

export class Shelf {
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;
  #promised = 0;

  /** Of all entries. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of what is being fetched. */
  get promised(): number {
    return this.#promised;
  }

  get entries(): Entry[] {
    return [...this.#entries.values()];
  }

  /** By the id of its image. */
  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  /** As the one most lately read. An entry of the same image must be gone. */
  add(entry: Entry): void {
    this.#entries.set(entry.image.id, entry);
    this.#bytes += entry.image.size;
  }

  /** False when it is not there any more. */
  take(entry: Entry): boolean {
    if (this.#entries.get(entry.image.id) !== entry) return false;
    this.#entries.delete(entry.image.id);
    this.#bytes -= entry.image.size;
    return true;
  }

  /** It was read now. False when it is not there any more. */
  touch(entry: Entry): boolean {
    entry.hits += 1;
    entry.readAt = new Date();
    if (this.#entries.get(entry.image.id) !== entry) return false;
    this.#entries.delete(entry.image.id);
    this.#entries.set(entry.image.id, entry);
    return true;
  }

  /** The one to give up next, if any may be. */
  oldest(): Entry | undefined {
    const now = performance.now();
    return this.entries.find(({ lentAt }) => lentAt === null || now - lentAt > lendingMs);
  }

  promise(bytes: number): void {
    this.#promised += bytes;
  }

  /** What was promised has become an entry, or nothing. */
  release(bytes: number): void {
    this.#promised -= bytes;
  }
}
