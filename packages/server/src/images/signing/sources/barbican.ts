/** Certificates that Barbican, OpenStack's key manager, keeps as secrets: read with the caller's own token. */
import type { FindKeyManager } from '../../../identity/barbican-endpoint.ts';
import { refusedCertificate } from '../certificate.ts';
import { CertificateDownload, type DownloadOptions } from './download.ts';
import type { Asked, CertificateSource } from './source.ts';

class Barbican implements CertificateSource {
  readonly #find: FindKeyManager;
  readonly #download: CertificateDownload;

  constructor(find: FindKeyManager, options: DownloadOptions) {
    this.#find = find;
    this.#download = new CertificateDownload(options);
  }

  async fetch(id: string, { token, signal }: Asked): Promise<Buffer> {
    if (token === null) throw refusedCertificate(id, 'cannot be read without your token (X-Auth-Token)');
    const base = await this.#find();
    // Barbican has every secret in this form, and answers 406 to others that the secret does not have.
    const headers = { 'X-Auth-Token': token, Accept: 'application/octet-stream' };
    return await this.#download.get(id, `${base}/v1/secrets/${id}/payload`, headers, signal);
  }

  async close(): Promise<void> {
    await this.#download.close();
  }
}

export function openBarbican(find: FindKeyManager, options: DownloadOptions): CertificateSource {
  return new Barbican(find, options);
}
