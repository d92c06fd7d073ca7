/** The plain files of a tar archive, and where their bytes are: for whoever unpacks one that an inspection has passed. */
import { type Examination, RefusalError } from '../examination.ts';
import type { Source } from '../inspection.ts';
import { bareName } from './names.ts';
import { applyExtension, noOverrides, type Overrides } from './tar-extensions.ts';
import { blockBytes, isTarHeader, readTarHeader } from './tar-header.ts';

export interface TarFile {
  readonly name: string;
  /** Position of its first byte in the archive. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

/** In their order, up to the end or to what is no header. Fails only where `source.read` does. */
export async function* tarFiles(source: Source): AsyncGenerator<TarFile, void, void> {
  const walk = files();
  let step = walk.next(new Uint8Array());
  while (!step.done) {
    const { value } = step;
    if ('name' in value) {
      yield value;
      step = walk.next(new Uint8Array());
    } else {
      const length = Math.max(0, Math.min(value.length, source.size - value.offset));
      step = walk.next(await source.read(value.offset, length));
    }
  }
}

type Stretch = { readonly offset: number; readonly length: number };

function* files(): Generator<TarFile | Stretch, void, Uint8Array> {
  let overrides: Overrides = noOverrides;
  for (let at = 0; ; ) {
    const block = yield { offset: at, length: blockBytes };
    if (block.length < blockBytes || !isTarHeader(block)) return;
    try {
      const header = readTarHeader(block);
      at += blockBytes;
      const size = overrides.size ?? header.size;
      if (header.isExtension) overrides = yield* stretches(applyExtension(header, at, overrides));
      else {
        const name = bareName(overrides.name ?? header.name);
        overrides = noOverrides;
        if (header.kind === 'file') yield { name, offset: at, size };
      }
      const isEmpty = header.kind === 'link' || header.kind === 'device';
      at += isEmpty ? 0 : Math.ceil((header.isExtension ? header.size : size) / blockBytes) * blockBytes;
    } catch (error) {
      if (error instanceof RefusalError) return;
      throw error;
    }
  }
}

/** Of an examination that asks for bytes alone. */
function* stretches<T>(examination: Examination<T>): Generator<Stretch, T, Uint8Array> {
  let step = examination.next();
  while (!step.done) {
    const need = step.value;
    step = examination.next(
      need.kind === 'bytes' ? yield { offset: need.offset, length: need.length } : undefined,
    );
  }
  return step.value;
}
