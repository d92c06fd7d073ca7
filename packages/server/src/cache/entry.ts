/** A whole copy of an image's data on the local disk, and whether its file still is the one that was verified. */
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Measure } from '../base/measure.ts';

/** What the data of an image must be in order to be kept. */
export interface ImageFacts {
  readonly id: string;
  /** Bytes. */
  readonly size: number;
  readonly algorithm: string;
  /** In hex. */
  readonly digest: string;
}

/** Of a file: whoever writes to it, replaces it or shortens it changes one of these, whatever else they put back. */
export interface FileMark {
  readonly size: number;
  readonly inode: string;
  readonly modified: string;
  readonly changed: string;
}

export interface Entry {
  readonly image: ImageFacts;
  readonly mark: FileMark;
  /** The folder that holds the file. */
  readonly folder: string;
  readonly cachedAt: Date;
  readAt: Date;
  hits: number;
  /** When its digest was last found to be right, by `performance.now()`; null: not since the start. */
  verifiedAt: number | null;
  /** When its path was last given to a web server, which opens it a moment later; likewise. */
  lentAt: number | null;
}

export function markOf({ size, ino, mtimeNs, ctimeNs }: BigIntStats): FileMark {
  return { size: Number(size), inode: String(ino), modified: String(mtimeNs), changed: String(ctimeNs) };
}

export function isSameFile(a: FileMark, b: FileMark): boolean {
  return a.size === b.size && a.inode === b.inode && a.modified === b.modified && a.changed === b.changed;
}

export function dataFile(folder: string): string {
  return join(folder, 'data');
}

/** To be closed by the caller; null when it is not the file that was verified. Fails when that cannot be told. */
export async function openEntry({ folder, mark }: Entry): Promise<FileHandle | null> {
  let file: FileHandle;
  try {
    file = await open(dataFile(folder), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
  try {
    if (isSameFile(markOf(await file.stat({ bigint: true })), mark)) return file;
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return null;
}

/** Lets the data of the image through, and nothing else to the end. */
export function measureOf({ size, algorithm, digest }: ImageFacts): Measure {
  return new Measure({
    cap: size,
    expectedSize: size,
    hashAlgorithm: null,
    md5: false,
    expectedDigests: { [algorithm]: digest },
    // Readers follow the copy while it grows.
    asTheyCome: true,
  });
}

/** Whether nobody has written to the open file since it was marked; that it has lost its name is no matter. */
export async function isUnwritten(file: FileHandle, mark: FileMark): Promise<boolean> {
  const { size, modified } = markOf(await file.stat({ bigint: true }));
  return size === mark.size && modified === mark.modified;
}
