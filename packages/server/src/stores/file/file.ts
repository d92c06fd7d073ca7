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
import { checkKey, isKey } from '../keys.ts';
import { pull } from '../pull.ts';
import type { ByteRange, Store, StoreCapacity, StoredObject } from '../store.ts';
import { systemCode, told } from './errors.ts';
import { FileReader } from './read.ts';
import { unfinishedName, writerLives } from './unfinished.ts';
import { FileWriter } from './write.ts';

export const fileStoreOptions = Type.Object(
  {
    id: Type.String({ minLength: 1, maxLength: 64 }),
    type: Type.Literal('file'),
    /** The folder; made when it is not there, its parents too. */
    path: Type.String({ minLength: 1 }),
    weight: Type.Optional(Type.Integer({ default: 0 })),
    description: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  },
  { additionalProperties: false },
);

export type FileStoreOptions = Static<typeof fileStoreOptions>;

/** No key begins with a dot, so this cannot be one. */
const unfinishedFolder = '.unfinished';

/** Milliseconds after its last write that another host's unfinished file is kept. */
const foreignGrace = 24 * 60 * 60 * 1000;

/** Fails with store_unavailable when the folder cannot be made or is not one. */
export async function openFileStore(options: FileStoreOptions): Promise<Store> {
  const store = new FileStore(options);
  await store.prepare();
  return store;
}

export function placeOfFileStore(options: FileStoreOptions): string {
  return resolve(options.path);
}

class FileStore implements Store {
  readonly type = 'file';
  readonly id: string;
  readonly weight: number;
  readonly description: string | null;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
  readonly #path: string;
  readonly #unfinished: string;
  /** There as long as the store is: the folder itself may be the empty mount point of a lost mount. */
  #mark: string;

  constructor(options: FileStoreOptions) {
    this.id = options.id;
    this.weight = options.weight ?? 0;
    this.description = options.description ?? null;
    this.#path = resolve(options.path);
    this.#unfinished = join(this.#path, unfinishedFolder);
    this.#mark = this.#unfinished;
    this.properties = { data_dir: this.#path, thin_provisioning: false };
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
    const writer = new FileWriter(file);
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

  async get(key: string, range?: ByteRange): Promise<FileReader> {
    const { file, size } = await this.#open(key);
    const first = range?.first ?? 0;
    const last = range?.last ?? size - 1;
    if (first < 0 || last >= size || (range !== undefined && first > last)) {
      await file.close();
      throw new Failure('range_not_satisfiable', `The object has ${size} bytes.`);
    }
    return new FileReader(file, first, last - first + 1);
  }

  async stat(key: string): Promise<{ size: number }> {
    const { file, size } = await this.#open(key);
    await file.close();
    return { size };
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
        if (found?.isFile()) yield { key: entry.name, size: found.size };
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

  async capacity(): Promise<StoreCapacity> {
    try {
      const { bsize, blocks, bavail } = await statfs(this.#path);
      return { totalBytes: bsize * blocks, freeBytes: bsize * bavail };
    } catch (error) {
      throw this.#told(error);
    }
  }

  async close(): Promise<void> {}

  async #create(path: string): Promise<FileHandle> {
    try {
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
      return await open(path, flags, 0o640);
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
      file = await open(
        join(this.#path, key),
        constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
      );
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
