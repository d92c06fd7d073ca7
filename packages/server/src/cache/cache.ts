/** Copies of images on a disk of this node: each is fetched once, whoever reads it meanwhile, and verified. */
import type { FileHandle } from 'node:fs/promises';
import { Failure } from '../base/failure.ts';
import type { Log } from '../base/log.ts';
import type { ByteRange } from '../stores/store.ts';
import type { CacheBook } from './book.ts';
import { dataFile, type Entry, type ImageFacts, openEntry } from './entry.ts';
import { Filling } from './filling.ts';
import type { CacheFolder } from './folder.ts';
import type { CacheQueue } from './queue.ts';
import { type Chunks, type Origin, readGrowing, readWhole } from './read.ts';
import { Shelf } from './shelf.ts';
import { hasItsDigest } from './verify.ts';

const usualStallMs = 60_000;
/** Of the disk: what a fill never takes. */
const leftFree = 0.05;
/** Milliseconds after which an entry is read again, and bytes a second at which that is done. */
const verifiedForMs = 24 * 3_600_000;
const verifyRate = 32 * 1024 * 1024;

export interface CacheOptions {
  readonly folder: CacheFolder;
  readonly book: CacheBook;
  readonly queue: CacheQueue;
  readonly log: Log;
  /** Bytes. */
  readonly maxSize: number;
  /** Milliseconds without data after which a fill is given up, and its readers go to the origin. */
  readonly stallMs?: number;
}

/** Counted since the start. */
export interface CacheFigures {
  hits: number;
  misses: number;
  /** Entries given up for others, and because they were not what they had been. */
  evicted: number;
  spoilt: number;
}

export class ImageCache {
  readonly figures: CacheFigures = { hits: 0, misses: 0, evicted: 0, spoilt: 0 };
  readonly #options: CacheOptions;
  readonly #shelf = new Shelf();
  readonly #filling: Filling;
  readonly #closing = new AbortController();

  private constructor(options: CacheOptions) {
    const { folder, log, stallMs = usualStallMs } = options;
    this.#options = options;
    this.#filling = new Filling({
      folder,
      log,
      stallMs,
      reserve: (bytes) => this.#reserve(bytes),
      release: (bytes) => this.#shelf.release(bytes),
      keep: (entry) => this.#keep(entry),
    });
  }

  /** With what the folder holds; what is more than `maxSize` is given up. */
  static async open(options: CacheOptions): Promise<ImageCache> {
    const cache = new ImageCache(options);
    const found = new Map<string, Entry>();
    for await (const entry of options.folder.entries()) found.set(entry.image.id, entry);
    for (const { image_id, hits, read_at } of await options.book.read((id) => found.has(id)))
      Object.assign(found.get(image_id)!, { hits, readAt: read_at });
    for (const entry of [...found.values()].sort((a, b) => a.readAt.getTime() - b.readAt.getTime())) {
      cache.#shelf.add(entry);
      options.book.note(entry);
    }
    await cache.prune();
    return cache;
  }

  /** What shall be put here. */
  get queue(): CacheQueue {
    return this.#options.queue;
  }

  /** Of all entries. */
  get bytes(): number {
    return this.#shelf.bytes;
  }

  /** Least lately read first. */
  get entries(): readonly Entry[] {
    return this.#shelf.entries;
  }

  has({ id, digest }: ImageFacts): boolean {
    return this.#shelf.get(id)?.image.digest === digest;
  }

  /**
   * The bytes of the image, or those of `range`: from its entry; else, when all are wanted, from the origin by way of
   * a new entry; else from the origin. What ails the cache keeps nobody from them. Fails as the origin does.
   */
  async through(image: ImageFacts, range: ByteRange | null, origin: Origin): Promise<Chunks> {
    const found = await this.#find(image);
    if (found !== null) {
      const { entry, file } = found;
      const wanted = range ?? { first: 0, last: image.size - 1 };
      return readWhole(file, entry.mark, wanted, origin, (why) => void this.#spoil(entry, why));
    }
    const fill = range === null ? await this.#filling.of(image, origin) : null;
    if (fill === null) {
      this.figures.misses += 1;
      return await origin(range);
    }
    const chunks = readGrowing(fill, origin);
    // It was whole, or over, before we came.
    if (chunks === null) return await this.through(image, range, origin);
    this.figures.misses += 1;
    return chunks;
  }

  /** The file of the image's entry, for a web server to send within seconds; null when there is no entry. */
  async fileOf(image: ImageFacts): Promise<string | null> {
    const found = await this.#find(image);
    if (found === null) return null;
    await found.file.close();
    found.entry.lentAt = performance.now();
    return dataFile(found.entry.folder);
  }

  /** Resolves when the image is an entry. Fails with store_full when it never can be one, or why it is none now. */
  async fetch(image: ImageFacts, origin: Origin): Promise<void> {
    if (this.has(image)) return;
    const failure = await this.#filling.whole(image, origin);
    if (failure !== null) throw failure;
  }

  /** False when there was no entry. */
  async drop(id: string): Promise<boolean> {
    await this.#filling.forget(id);
    const entry = this.#shelf.get(id);
    return entry !== undefined && (await this.#remove(entry));
  }

  /** Resolves with how many entries there were; what is on its way becomes none. */
  async clear(): Promise<number> {
    await this.#filling.forgetAll();
    const dropped = await Promise.all(this.entries.map(({ image }) => this.drop(image.id)));
    return dropped.filter((one) => one).length;
  }

  /** Gives up the entries least lately read until the rest fits. */
  async prune(): Promise<{ readonly files: number; readonly bytes: number }> {
    const [files, bytes] = [this.entries.length, this.bytes];
    while (this.bytes > this.#options.maxSize && (await this.#giveUpOne()));
    return { files: files - this.entries.length, bytes: bytes - this.bytes };
  }

  /** Gives up the entries whose files are not as they were left. */
  async clean(): Promise<void> {
    for (const entry of this.entries) await (await this.#open(entry))?.close();
  }

  /** Reads again, slowly and one after the other, the entries that were not verified for a day. */
  async verify(): Promise<void> {
    for (const entry of this.entries) {
      if (entry.verifiedAt !== null && performance.now() - entry.verifiedAt < verifiedForMs) continue;
      const isRight = await hasItsDigest(entry, verifyRate, this.#closing.signal).catch(() => null);
      if (isRight === null) return;
      if (isRight) entry.verifiedAt = performance.now();
      else await this.#spoil(entry, new Error('The data has another digest than before.'));
    }
  }

  /** Ends what is being fetched; its readers are served by the origin. */
  async close(): Promise<void> {
    this.#closing.abort(new Failure('interrupted', 'The server stopped.'));
    await this.#filling.close();
  }

  async #keep(entry: Entry): Promise<void> {
    const former = this.#shelf.get(entry.image.id);
    // The same data has the same folder, which has been replaced.
    if (former?.folder === entry.folder) this.#shelf.take(former);
    else if (former !== undefined) await this.#remove(former);
    this.#shelf.add(entry);
    this.#options.book.add(entry);
  }

  async #find(image: ImageFacts): Promise<{ entry: Entry; file: FileHandle } | null> {
    const entry = this.#shelf.get(image.id);
    if (entry === undefined) return null;
    if (entry.image.digest !== image.digest) {
      await this.#remove(entry);
      return null;
    }
    const file = await this.#open(entry);
    if (file === null) return null;
    this.figures.hits += 1;
    if (this.#shelf.touch(entry)) this.#options.book.note(entry);
    return { entry, file };
  }

  /** Null when its file is not the one that was verified, and then there is no such entry any more. */
  async #open(entry: Entry): Promise<FileHandle | null> {
    try {
      const file = await openEntry(entry);
      if (file === null) await this.#spoil(entry, new Error('The file is not the one that was verified.'));
      return file;
    } catch (err) {
      this.#options.log.warn({ err, image: entry.image.id }, 'a cached image cannot be opened');
      return null;
    }
  }

  async #spoil(entry: Entry, why: unknown): Promise<void> {
    if (!(await this.#remove(entry))) return;
    this.figures.spoilt += 1;
    this.#options.log.error(
      { err: why, image: entry.image.id },
      'a cached image was spoilt: it is fetched again',
    );
  }

  /** False when it was gone already. */
  async #remove(entry: Entry): Promise<boolean> {
    if (!this.#shelf.take(entry)) return false;
    this.#options.book.strike(entry.image.id);
    await this.#options.folder.remove(entry.folder).catch((err) => {
      this.#options.log.error({ err, image: entry.image.id }, 'a cached image could not be removed');
    });
    return true;
  }

  /** False when nothing can be given up. */
  async #giveUpOne(): Promise<boolean> {
    const entry = this.#shelf.oldest();
    if (entry === undefined) return false;
    if (await this.#remove(entry)) this.figures.evicted += 1;
    return true;
  }

  async #reserve(bytes: number): Promise<boolean> {
    const { maxSize, folder } = this.#options;
    if (bytes > maxSize) return false;
    while (this.#shelf.bytes + this.#shelf.promised + bytes > maxSize)
      if (!(await this.#giveUpOne())) return false;
    this.#shelf.promise(bytes);
    const { total, free } = await folder.space();
    if (free - this.#shelf.promised >= total * leftFree) return true;
    this.#shelf.release(bytes);
    return false;
  }
}
