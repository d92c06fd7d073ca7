/** Takes what is packed out of gzip, zstd, xz, bzip2, zip or lha: one file, whole, and not more than may come of it. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { type FormatName, headBytes, type Recognition, recognise } from '@tintype/inspector';
import { Failure } from '../../base/failure.ts';
import { readAt } from '../inspect-file.ts';
import type { Sandbox } from '../sandbox.ts';
import { requireSound } from '../sound.ts';
import { gunzip } from './gzip.ts';
import { unpackLha } from './lha.ts';
import { unpackStream } from './programs.ts';
import { tooLarge } from './too-large.ts';
import { unzip } from './zip.ts';
import { unzstd } from './zstd.ts';

const packed = ['gzip', 'zstd', 'xz', 'bzip2', 'zip', 'lha'] as const;
export type PackedFormat = (typeof packed)[number];

export interface Package {
  readonly path: string;
  readonly format: PackedFormat;
  /** Bytes that may come out of it. */
  readonly most: number;
  readonly signal: AbortSignal;
}

/** As what the file is packed, by its beginning; null: it is not. */
export async function packedAs(path: string): Promise<PackedFormat | null> {
  await using file = await open(path);
  return packingOf(recognise(await readAt(file, 0, headBytes)));
}

/** As what data is packed that looks so; null: it is not. */
export function packingOf({ formats }: Recognition): PackedFormat | null {
  return packed.find((format) => (formats as readonly FormatName[]).includes(format)) ?? null;
}

/**
 * Bytes are given out before the last of them are known to be good: whoever takes them keeps them to itself until the
 * end. Fails with unsafe_image, format_mismatch when the data is broken or no single file, unpack_cap,
 * or conversion_unavailable when nothing here can unpack this.
 */
export async function* unpack(sandbox: Sandbox | null, one: Package): AsyncGenerator<Uint8Array, void, void> {
  await requireSound(one.path);
  let size = 0;
  for await (const chunk of contents(sandbox, one)) {
    one.signal.throwIfAborted();
    size += chunk.length;
    if (size > one.most) throw tooLarge(one.most);
    yield chunk;
  }
}

function contents(
  sandbox: Sandbox | null,
  { path, format, most, signal }: Package,
): AsyncGenerator<Uint8Array> {
  const pieces = { highWaterMark: 256 * 1024, signal };
  switch (format) {
    case 'gzip':
      return gunzip(createReadStream(path, pieces));
    case 'zstd':
      return unzstd(createReadStream(path, pieces));
    case 'zip':
      return unzip(path);
    case 'xz':
    case 'bzip2':
      return unpackStream(required(sandbox, format), format, createReadStream(path, pieces), {
        most,
        signal,
      });
    case 'lha':
      return unpackLha(required(sandbox, format), path, { most, signal });
  }
}

function required(sandbox: Sandbox | null, format: PackedFormat): Sandbox {
  if (sandbox !== null) return sandbox;
  throw new Failure(
    'conversion_unavailable',
    `This server cannot unpack ${format}: it has no sandbox to do it in.`,
  );
}
