/** The folder of a cache on the disk: one folder an entry, which comes and goes as a whole. */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';
import Type from 'typebox';
import Value from 'typebox/value';
import { Failure } from '../base/failure.ts';
import { type DataLock, lockDataDirectory } from '../database/embedded/data-lock.ts';
import { dataFile, type Entry, type ImageFacts, isSameFile, markOf } from './entry.ts';

/** A copy that is being made. */
export interface Draft {
  readonly folder: string;
  /** To write to and to read from. */
  readonly file: FileHandle;
}

/** What is written down beside the data once that is whole. */
const Facts = Type.Object({
  image: Type.Object({
    id: Type.String(),
    size: Type.Integer(),
    algorithm: Type.String(),
    digest: Type.String(),
  }),
  mark: Type.Object({
    size: Type.Integer(),
    inode: Type.String(),
    modified: Type.String(),
    changed: Type.String(),
  }),
  cachedAt: Type.String(),
});

function factsFile(folder: string): string {
  return join(folder, 'facts.json');
}

async function sync(path: string): Promise<void> {
  const file = await open(path, constants.O_RDONLY);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

export class CacheFolder {
  /** Tells this folder from those of other nodes, for good. */
  readonly node: string;
  readonly #path: string;
  readonly #entries: string;
  readonly #drafts: string;
  readonly #lock: DataLock;

  private constructor(path: string, node: string, lock: DataLock) {
    this.node = node;
    this.#path = path;
    this.#entries = join(path, 'entries');
    this.#drafts = join(path, 'drafts');
    this.#lock = lock;
  }

  /**
   * Makes the folder if need be and takes it for this process; what was unfinished is removed. Fails with unavailable
   * when it cannot be used, or another process has it.
   */
  static async open(at: string, options: { readonly listen: string }): Promise<CacheFolder> {
    const path = resolve(at);
    const lock = await lockDataDirectory(path, options);
    try {
      const folder = new CacheFolder(path, await nodeOf(path), lock);
      await rm(folder.#drafts, { recursive: true, force: true });
      for (const inner of [folder.#entries, folder.#drafts])
        await mkdir(inner, { recursive: true, mode: 0o750 });
      return folder;
    } catch (cause) {
      await lock.release();
      if (cause instanceof Failure) throw cause;
      throw new Failure('unavailable', `The folder of the cache, ${path}, cannot be used.`, { cause });
    }
  }

  /** Those that are as they were left; whatever else is there is removed. In no order. */
  async *entries(): AsyncGenerator<Entry> {
    for (const name of await readdir(this.#entries)) {
      const folder = join(this.#entries, name);
      const entry = await readEntry(folder).catch(() => null);
      if (entry === null) await this.remove(folder);
      else yield entry;
    }
  }

  async draft(): Promise<Draft> {
    const folder = join(this.#drafts, randomUUID());
    // Somebody may have emptied the cache by hand.
    await mkdir(folder, { recursive: true, mode: 0o750 });
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
    return { folder, file: await open(dataFile(folder), flags, 0o640) };
  }

  /** Makes a draft that holds the data of `image` an entry. It is on the medium then, and survives a crash as a whole. */
  async publish(draft: Draft, image: ImageFacts): Promise<Entry> {
    await draft.file.sync();
    const mark = markOf(await draft.file.stat({ bigint: true }));
    const cachedAt = new Date();
    await writeFile(factsFile(draft.folder), JSON.stringify({ image, mark, cachedAt }), {
      mode: 0o640,
      flush: true,
    });
    await sync(draft.folder);
    const folder = join(this.#entries, `${image.id}.${image.digest.slice(0, 32)}`);
    // Only an entry that was given up can be in the way.
    await this.remove(folder);
    await mkdir(this.#entries, { recursive: true, mode: 0o750 });
    await rename(draft.folder, folder);
    await sync(this.#entries);
    return {
      image,
      mark,
      folder,
      cachedAt,
      readAt: cachedAt,
      hits: 0,
      verifiedAt: performance.now(),
      lentAt: null,
    };
  }

  /** Of an entry or a draft; those who are reading keep reading. What cannot be removed now is at the next start. */
  async remove(folder: string): Promise<void> {
    const away = join(this.#drafts, randomUUID());
    try {
      await rename(folder, away);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    await rm(away, { recursive: true, force: true });
  }

  /** Bytes of the file system. */
  async space(): Promise<{ readonly total: number; readonly free: number }> {
    const { bsize, blocks, bavail } = await statfs(this.#path);
    return { total: bsize * blocks, free: bsize * bavail };
  }

  close(): Promise<void> {
    return this.#lock.release();
  }
}

async function nodeOf(path: string): Promise<string> {
  const file = join(path, 'node');
  const known = await readFile(file, 'utf8').catch(() => '');
  if (/^[0-9a-f-]{36}$/.test(known)) return known;
  const node = randomUUID();
  await writeFile(file, node, { flush: true });
  return node;
}

/** Null when it is not as it was left. */
async function readEntry(folder: string): Promise<Entry | null> {
  const facts: unknown = JSON.parse(await readFile(factsFile(folder), 'utf8'));
  if (!Value.Check(Facts, facts)) return null;
  const { image, mark } = facts;
  const found = await lstat(dataFile(folder), { bigint: true });
  if (!found.isFile() || image.size !== mark.size || !isSameFile(markOf(found), mark)) return null;
  const cachedAt = new Date(facts.cachedAt);
  return { image, mark, folder, cachedAt, readAt: cachedAt, hits: 0, verifiedAt: null, lentAt: null };
}
