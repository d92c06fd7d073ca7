/** Certificates in a folder of the operator's: <uuid>.pem, <uuid>.crt or <uuid>.der. */
import { readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { Failure } from '../../../base/failure.ts';
import { refusedCertificate } from '../certificate.ts';
import { type CertificateSource, largestCertificate, tooLarge } from './source.ts';

const endings = ['pem', 'crt', 'der'];

/** null when there is no such file. */
async function readSome(file: string, most: number): Promise<Buffer | null> {
  try {
    await using handle = await open(file);
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(most), position: 0 });
    return buffer.subarray(0, bytesRead);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new Failure('unavailable', 'The folder of certificates cannot be read.', { cause });
  }
}

/** Fails when there is no such folder now. */
export function openFolder(folder: string): CertificateSource {
  readdirSync(folder);
  return {
    async fetch(id) {
      for (const ending of endings) {
        const data = await readSome(path.join(folder, `${id}.${ending}`), largestCertificate + 1);
        if (data !== null && data.length > largestCertificate) throw tooLarge(id);
        if (data !== null) return data;
      }
      throw refusedCertificate(id, 'is not known here');
    },
    async close() {},
  };
}
