/** zip, of one plain file. */
import { crc32 } from 'node:zlib';
import { type Entry, openPromise } from 'yauzl';
import { Failure } from '../../base/failure.ts';
import { broken } from './broken.ts';

const methods = { stored: 0, deflated: 8 };

/** Fails with format_mismatch unless it is whole and has one file. */
export async function* unzip(path: string): AsyncGenerator<Uint8Array> {
  let archive: Awaited<ReturnType<typeof openPromise>> | undefined;
  try {
    archive = await openPromise(path, { autoClose: false, lazyEntries: true, validateEntrySizes: true });
    const entry = await onlyEntry(archive.eachEntry());
    let check = 0;
    for await (const chunk of await archive.openReadStreamPromise(entry)) {
      check = crc32(chunk, check);
      yield chunk;
    }
    if (check !== entry.crc32) throw broken('zip');
  } catch (error) {
    // Whatever the library complains of is in the data.
    throw error instanceof Failure ? error : broken('zip', error);
  } finally {
    archive?.close();
  }
}

async function onlyEntry(entries: AsyncIterable<Entry>): Promise<Entry> {
  const found: Entry[] = [];
  for await (const entry of entries) if (found.push(entry) > 1) break;
  const [entry] = found;
  if (found.length !== 1 || entry!.fileName.endsWith('/')) throw unfit('holds no single file');
  if (entry!.isEncrypted()) throw unfit('is encrypted');
  if (!Object.values(methods).includes(entry!.compressionMethod)) throw unfit('is packed in an unusual way');
  return entry!;
}

function unfit(what: string): Failure {
  return new Failure('format_mismatch', `The data cannot be used: the zip archive ${what}.`);
}
