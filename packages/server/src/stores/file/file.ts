/** The file store: each object one file in a folder, named by its key. */
import { constants } from 'node:fs';
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  opendir,
  readdir,
  statfs,
  unlink,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import Type, { type Static } from 'typebox';
import { Failure } from '../../base/failure.ts';
import { keptFormat } from '../kept-format.ts';
import { checkKey, isKey } from '../keys.ts';
import type { PooledReader } from '../pooled-reader.ts';
import { pull } from '../pull.ts';
import type { ByteRange, KnownCapacity, LocalStore, Store, StoredObject } from '../store.ts';
import { systemCode, told } from './errors.ts';
import { type Folder, FolderStore } from './folders.ts';
import { beginCopy, type Copied, readCopied, shareBlocks, wholeCopy } from './kernel-copy.ts';
import { readFile } from './read.ts';
import { unfinishedName, writerLives } from './unfinished.ts';
import { FileWriter } from './write.ts';

export const fileStoreOptions = Type.Object(
  {
    id: Type.String({ minLength: 1, maxLength: 64 }),
    type: Type.Literal('file'),
    /** The folder; made when it is not there, its parents too. */
    path: Type.String({ minLength: 1 }),
    /** When there are any, these in its place. */
    folders: Type.Optional(
      Type.Array(
        Type.Object({ path: Type.String({ minLength: 1 }), priority: Type.Optional(Type.Integer()) }),
      ),
    ),
    /** Whether blocks of zeros take no room. */
    thin: Type.Optional(Type.Boolean()),
    convertTo: Type.Optional(keptFormat.convertTo),
    weight: Type.Optional(Type.Integer({ default: 0 })),
    description: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  },
  { additionalProperties: false },
);

type FileStoreOptions = Static<typeof fileStoreOptions>;

/** No key begins with a dot, so this cannot be one. */
const unfinishedFolder = '.unfinished';

const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const writeFlags = constants.O_RDWR | constants.O_NOFOLLOW;

/** Bytes of the blocks that `stat` counts. */
const blockBytes = 512;

/** Milliseconds after its last write that another host's unfinished file is kept. */
const foreignGrace = 24 * 60 * 60 * 1000;

/** In one folder. Fails with store_unavailable when that cannot be made or is not one. */
export async function openFileStore(options: FileStoreOptions): Promise<LocalStore> {
  const store = new FileStore(options);
  await store.prepare();
  return store;
}

/** In as many folders as the options say. Fails like `openFileStore`. */
export async function openFileStores({ folders = [], ...options }: FileStoreOptions): Promise<Store> {
  if (folders.length === 0) return await openFileStore(options);
  const opened: Folder[] = [];
  for (const { path, priority = 0 } of folders)
    opened.push({ priority, store: await openFileStore({ ...options, path }) });
  return new FolderStore(opened);
}

export function placesOfFileStore({ path, folders = [] }: FileStoreOptions): string[] {
  return (folders.length === 0 ? [{ path }] : folders).map((folder) => resolve(folder.path));
}

class FileStore implements LocalStore {
  readonly type = 'file';
  readonly id: string;
  readonly isLocal = true;
  readonly weight: number;
  readonly description: string | null;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
  readonly #path: string;
  readonly #isThin: boolean;
  readonly #unfinished: string;
  /** There as long as the store is: the folder itself may be the empty mount point of a lost mount. */
  #mark: string;

  constructor(options: FileStoreOptions) {
    this.id = options.id;
    this.weight = options.weight ?? 0;
    this.description = options.description ?? null;
    this.#path = resolve(options.path);
    this.#isThin = options.thin ?? false;
    this.#unfinished = join(this.#path, unfinishedFolder);
    this.#mark = this.#unfinished;
    this.properties = { data_dir: this.#path, thin_provisioning: this.#isThin };
  }

  async prepare(): Promise<void> {
    try {
      await mkdir(this.#path, { recursive: true, mode: 0o750 });
      await mkdir(this.#unfinished, { mode: 0o750 }).catch((error) => {
        if (!['EEXIST', 'EROFS', 'EACCES'].includes(systemCode(error))) throw error;
      });
    } catch (error) {
      throw this.#told(error);
    }
    const found = await lstat(this.#unfinished).catch(() => null);
    if (found === null) this.#mark = this.#path;
    else if (!found.isDirectory()) {
      throw new Failure(
        'store_unavailable',
        `Store ${this.id}: ${unfinishedFolder} in its folder is no folder.`,
      );
    }
  }

  async put(key: string, body: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<{ size: number }> {
    checkKey(key);
    const name = join(this.#unfinished, unfinishedName());
    const file = await this.#create(name);
    const writer = new FileWriter(file, this.#isThin);
    try {
      await pull(body, signal, (chunk) => writer.write(chunk));
      await writer.finish();
      signal?.throwIfAborted();
      await this.#publish(name, key);
      return { size: writer.size };
    } catch (error) {
      throw this.#told(error);
    } finally {
      await writer.settle();
      await file.close().catch(() => undefined);
      await unlink(name).catch(() => undefined);
    }
  }

  async putFile(
    key: string,
    path: string,
    judged: (bytes: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<{ size: number } | null> {
    checkKey(key);
    const name = join(this.#unfinished, unfinishedName());
    const source = await open(path, readFlags).catch(() => null);
    let file: FileHandle | null = null;
    let copied: Copied | null = null;
    try {
      const found = await source?.stat();
      if (source === null || !found?.isFile()) return null;
      const { size } = found;
      const isShared = await shareBlocks(path, name);
      // Zeros that take room there would take room here.
      if (!isShared && this.#isThin && found.blocks * blockBytes >= size) return null;
      file = isShared ? await open(name, writeFlags) : await this.#create(name);
      copied = isShared ? wholeCopy(size) : await beginCopy(source, file, size);
      if (copied === null) return null;
      await pull(judged(readCopied(copied, file, size)), signal, () => {});
      await file.sync();
      signal?.throwIfAborted();
      await this.#publish(name, key);
      return { size };
    } catch (error) {
      throw this.#told(error);
    } finally {
      await copied?.settle();
      await source?.close();
      await file?.close().catch(() => undefined);
      await unlink(name).catch(() => undefined);
    }
  }

  async make(key: string, write: (path: string) => Promise<void>): Promise<{ size: number }> {
    checkKey(key);
    return await this.scratch(async (name) => {
      await write(name);
      const file = await open(name, writeFlags);
      try {
        await file.sync();
        const { size } = await file.stat();
        await this.#publish(name, key);
        return { size };
      } finally {
        await file.close();
      }
    });
  }

  async scratch<T>(work: (path: string) => Promise<T>): Promise<T> {
    const name = join(this.#unfinished, unfinishedName());
    await (await this.#create(name)).close();
    try {
      return await work(name);
    } catch (error) {
      throw this.#told(error);
    } finally {
      await unlink(name).catch(() => undefined);
    }
  }

  pathOf(key: string): string {
    checkKey(key);
    return join(this.#path, key);
  }

  async get(key: string, range?: ByteRange): Promise<PooledReader> {
    const { file, size } = await this.#open(key);
    const first = range?.first ?? 0;
    const last = range?.last ?? size - 1;
    if (first < 0 || last >= size || (range !== undefined && first > last)) {
      await file.close();
      throw new Failure('range_not_satisfiable', `The object has ${size} bytes.`);
    }
    return readFile(file, first, last - first + 1, (error) => this.#told(error));
  }

  async stat(key: string): Promise<{ size: number }> {
    const { file, size } = await this.#open(key);
    await file.close();
    return { size };
  }

  async fileOf(key: string): Promise<string> {
    return this.pathOf(key);
  }

  async delete(key: string): Promise<void> {
    checkKey(key);
    try {
      await unlink(join(this.#path, key));
      await this.#syncFolder();
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw this.#told(error);
      await this.#checkFolder();
    }
  }

  async *list(): AsyncGenerator<StoredObject> {
    await this.#checkFolder();
    try {
      for await (const entry of await opendir(this.#path, { bufferSize: 1024 })) {
        if (!entry.isFile() || !isKey(entry.name)) continue;
        const found = await lstat(join(this.#path, entry.name)).catch((error) => {
          if (systemCode(error) !== 'ENOENT') throw error;
        });
        if (found?.isFile()) yield { key: entry.name, size: found.size, storedAt: found.mtime };
      }
    } catch (error) {
      throw this.#told(error);
    }
  }

  // No keyOf: whoever may name files may read those of the server (advisories OSSA-2014-041, OSSA-2015-002).
  urlOf(key: string): string {
    return pathToFileURL(join(this.#path, key)).href;
  }

  async sweep(): Promise<number> {
    let removed = 0;
    try {
      for (const name of await readdir(this.#unfinished)) {
        const path = join(this.#unfinished, name);
        if (!(await this.#abandoned(name, path))) continue;
        await unlink(path);
        removed += 1;
      }
    } catch (error) {
      throw this.#told(error);
    }
    return removed;
  }

  async capacity(): Promise<KnownCapacity> {
    try {
      const { bsize, blocks, bfree, bavail } = await statfs(this.#path);
      return { usedBytes: bsize * (blocks - bfree), totalBytes: bsize * blocks, freeBytes: bsize * bavail };
    } catch (error) {
      throw this.#told(error);
    }
  }

  async close(): Promise<void> {}

  async #create(path: string): Promise<FileHandle> {
    try {
      return await open(path, writeFlags | constants.O_CREAT | constants.O_EXCL, 0o640);
    } catch (error) {
      throw this.#told(error);
    }
  }

  /** A hard link, unlike a rename, never replaces what has the name already. */
  async #publish(name: string, key: string): Promise<void> {
    const path = join(this.#path, key);
    try {
      await link(name, path);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      throw new Failure('image_exists', `Store ${this.id} already has an object ${key}.`, { cause: error });
    }
    try {
      await this.#syncFolder();
    } catch (error) {
      await unlink(path).catch(() => undefined);
      throw error;
    }
  }

  async #open(key: string): Promise<{ file: FileHandle; size: number }> {
    checkKey(key);
    let file: FileHandle;
    try {
      file = await open(join(this.#path, key), readFlags);
    } catch (error) {
      if (!['ENOENT', 'ELOOP'].includes(systemCode(error))) throw this.#told(error);
      await this.#checkFolder();
      throw this.#missing(key);
    }
    try {
      const found = await file.stat();
      if (!found.isFile()) throw this.#missing(key);
      return { file, size: found.size };
    } catch (error) {
      await file.close();
      throw this.#told(error);
    }
  }

  async #syncFolder(): Promise<void> {
    const folder = await open(this.#path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  /** Tells an object that is not there from a folder that is not there, such as a lost mount. */
  async #checkFolder(): Promise<void> {
    await lstat(this.#mark).catch((error) => {
      throw this.#told(error);
    });
  }

  async #abandoned(name: string, path: string): Promise<boolean> {
    const lives = writerLives(name);
    if (lives !== null) return !lives;
    const { mtimeMs } = await lstat(path);
    return Date.now() - mtimeMs > foreignGrace;
  }

  #missing(key: string): Failure {
    return new Failure('not_found', `Store ${this.id} has no object ${key}.`);
  }

  #told(error: unknown): unknown {
    return told(error, this.id);
  }
}
