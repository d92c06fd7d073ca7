/** gzip, of any number of members. */
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { toldOf } from './broken.ts';

export const pieceBytes = 256 * 1024;

/** Fails with format_mismatch when anything but zeros stands behind the last member. */
export async function* gunzip(source: Readable): AsyncGenerator<Uint8Array> {
  const unpacked = pipeline(source, createGunzip({ chunkSize: pieceBytes }), () => undefined);
  try {
    yield* unpacked as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw toldOf(error, 'gzip');
  } finally {
    source.destroy();
  }
}
