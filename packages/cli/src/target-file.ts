/** A file that appears under its name only when it is whole: written beside it, made durable, then renamed. */
import { randomBytes } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { type FileHandle, link, lstat, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CommandError, systemError, UsageError } from './command-error.ts';

/** Bytes that may wait for the disk. */
const mostWaiting = 4 * 1024 * 1024;
/** Hard links do not exist on some file systems. */
const noLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

const unfinished = new Set<string>();
process.on('exit', () => {
  for (const path of unfinished) {
    try {
      unlinkSync(path);
    } catch {
      // Already gone.
    }
  }
});

export class TargetFile {
  readonly path: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  readonly #force: boolean;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | null = null;

  constructor(path: string, temporary: string, handle: FileHandle, force: boolean) {
    this.path = path;
    this.#temporary = temporary;
    this.#handle = handle;
    this.#force = force;
    unfinished.add(temporary);
  }

  /** Resolves when there is room for more; an error of an earlier write may come with a later one. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#writing === null) {
      this.#writing = this.#flush();
      // Told by the next write that waits, or by the commit.
      this.#writing.catch(() => {});
    }
    if (this.#waitingBytes >= mostWaiting) await this.#drain();
  }

  /** Puts the file in its place. */
  async commit(): Promise<void> {
    await this.#drain();
    try {
      await this.#handle.sync();
      await this.#handle.close();
      await this.#place();
      unfinished.delete(this.#temporary);
      await syncFolder(dirname(this.path));
    } catch (thrown) {
      throw thrown instanceof CommandError ? thrown : systemError(`write ${this.path}`, thrown);
    }
  }

  /** Leaves nothing behind, unless it was committed. */
  async discard(): Promise<void> {
    if (!unfinished.has(this.#temporary)) return;
    await this.#writing?.catch(() => {});
    await this.#handle.close().catch(() => {});
    await unlink(this.#temporary).catch(() => {});
    unfinished.delete(this.#temporary);
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const chunks = this.#waiting;
      this.#waiting = [];
      this.#waitingBytes = 0;
      await writeWhole(this.#handle, chunks);
    }
    this.#writing = null;
  }

  async #drain(): Promise<void> {
    try {
      await this.#writing;
    } catch (thrown) {
      throw systemError(`write ${this.path}`, thrown);
    }
  }

  async #place(): Promise<void> {
    if (this.#force) return await rename(this.#temporary, this.path);
    try {
      // Unlike a rename, a link never replaces what somebody else put there meanwhile.
      await link(this.#temporary, this.path);
      await unlink(this.#temporary);
    } catch (thrown) {
      const { code = '' } = thrown as NodeJS.ErrnoException;
      if (code === 'EEXIST' || (noLinks.includes(code) && (await kindOf(this.path)) !== 'none')) {
        throw alreadyThere(this.path);
      }
      if (!noLinks.includes(code)) throw thrown;
      await rename(this.#temporary, this.path);
    }
  }
}

/** Throws UsageError when the name is taken and not `force`, CommandError when nothing can be written there. */
export async function openTarget(file: string, force: boolean): Promise<TargetFile> {
  const kind = await kindOf(file);
  if (kind === 'folder') throw new UsageError(`${file} is a directory: name the file to write`);
  if (kind === 'other')
    throw new UsageError(`${file} is no regular file: write to standard output with -o - instead`);
  if (kind === 'file' && !force) throw alreadyThere(file);
  // A link to a file stays one, and the file it leads to is replaced.
  const path = kind === 'file' ? await realpath(file) : file;
  const temporary = join(dirname(path), `.tintype-${randomBytes(6).toString('hex')}.part`);
  try {
    return new TargetFile(path, temporary, await open(temporary, 'wx'), force);
  } catch (thrown) {
    throw systemError(`write ${basename(file)} in ${dirname(path)}`, thrown);
  }
}

function alreadyThere(file: string): UsageError {
  return new UsageError(`${file} exists already: give --force to replace it`);
}

async function kindOf(path: string): Promise<'none' | 'file' | 'folder' | 'other'> {
  const found = await stat(path).catch(async (thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'ENOENT') throw systemError(`write ${path}`, thrown);
    // A link that leads nowhere is something, too.
    return await lstat(path).catch(() => null);
  });
  if (found === null) return 'none';
  return found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other';
}

async function writeWhole(handle: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  let rest = chunks;
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest);
    rest = skip(rest, bytesWritten);
  }
}

function skip(chunks: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  return chunks.flatMap((chunk) => {
    const cut = Math.min(left, chunk.length);
    left -= cut;
    return cut === chunk.length ? [] : [chunk.subarray(cut)];
  });
}

async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, 'r');
    await handle.sync();
  } catch (thrown) {
    // Some systems have no sync of folders.
    if (!['EINVAL', 'EPERM', 'EISDIR'].includes((thrown as NodeJS.ErrnoException).code ?? '')) throw thrown;
  } finally {
    await handle?.close();
  }
}
