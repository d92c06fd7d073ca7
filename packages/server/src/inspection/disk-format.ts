/** What disk data is whose owner does not say; and what is no disk at all, whatever its owner says. */
import { type FormatName, headBytes, type Recognition, recognise } from '@tintype/inspector';
import { Failure } from '../base/failure.ts';
import { isUnclaimed } from './declared.ts';

/** Of what stands in no container. Where the name of the format is not what it is declared as, that stands beside it. */
const disks: ReadonlyMap<FormatName, string> = new Map([
  ['qcow2', 'qcow2'],
  ['qcow1', 'qcow2'],
  ['vmdk', 'vmdk'],
  ['vhd', 'vhd'],
  ['vhdx', 'vhdx'],
  ['vdi', 'vdi'],
  ['ploop', 'ploop'],
  ['iso', 'iso'],
  ['udf', 'iso'],
  ['luks', 'raw'],
]);

/** How plain disks begin, beside those with a mark that the inspector knows. */
const plainLooks = /^raw data$|file system$|^an? \w+ volume$|^a swap area$/;

/** The first bytes of data, as many as tell what it is. */
export async function headOf(chunks: AsyncIterable<Uint8Array>): Promise<Recognition> {
  const head: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    head.push(Buffer.from(chunk));
    size += chunk.length;
    if (size >= headBytes) break;
  }
  return recognise(Buffer.concat(head).subarray(0, headBytes));
}

/** The same data; `look` learns what it is before any of it goes on. */
export async function* lookedAt(
  chunks: AsyncIterable<Uint8Array>,
  look: (seen: Recognition) => void,
): AsyncGenerator<Uint8Array> {
  let head: Buffer[] | null = [];
  let size = 0;
  for await (const chunk of chunks) {
    if (head === null) {
      yield chunk;
      continue;
    }
    head.push(Buffer.from(chunk));
    size += chunk.length;
    if (size < headBytes) continue;
    look(recognise(Buffer.concat(head).subarray(0, headBytes)));
    yield* head;
    head = null;
  }
  if (head === null) return;
  look(recognise(Buffer.concat(head)));
  yield* head;
}

/** The disk format to declare; null when there is none for it. */
function diskFormatOf({ formats }: Recognition): string | null {
  const known = formats.find((format) => disks.has(format));
  if (known !== undefined) return disks.get(known)!;
  return isUnclaimed(formats) ? 'raw' : null;
}

/** The format of a disk that looks so: as declared, or as it is seen. Fails with format_mismatch when it is none. */
export function seenAsDisk(seen: Recognition, declared: string | null): string {
  const diskFormat = declared ?? diskFormatOf(seen);
  requireDisk(seen, diskFormat);
  return diskFormat;
}

/** Fails with format_mismatch for a film, a document or whatever else nobody boots. */
function requireDisk(
  { formats, looksLike }: Recognition,
  diskFormat: string | null,
): asserts diskFormat is string {
  const isPlain = diskFormat === 'raw' && formats.length === 0;
  if (diskFormat !== null && (!isPlain || plainLooks.test(looksLike))) return;
  throw new Failure('format_mismatch', `The data is no disk image: it looks like ${looksLike}.`);
}
