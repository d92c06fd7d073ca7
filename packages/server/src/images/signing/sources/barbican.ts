/** Certificates that Barbican, OpenStack's key manager, keeps as secrets: read with the caller's own token. */
import { Failure } from '../../../base/failure.ts';
import { type Catalogue, endpointIn } from '../../../identity/catalogue.ts';
import type { KeystoneClient } from '../../../identity/keystone-client.ts';
import { refusedCertificate } from '../certificate.ts';
import { CertificateDownload, type DownloadOptions } from './download.ts';
import type { Asked, CertificateSource } from './source.ts';

/** Resolves with the URL of the key manager, with or without /v1. Fails with unavailable. */
export type FindEndpoint = () => Promise<string>;

class Barbican implements CertificateSource {
  readonly #find: FindEndpoint;
  readonly #download: CertificateDownload;

  constructor(find: FindEndpoint, options: DownloadOptions) {
    this.#find = find;
    this.#download = new CertificateDownload(options);
  }

  async fetch(id: string, { token, signal }: Asked): Promise<Buffer> {
    if (token === null) throw refusedCertificate(id, 'cannot be read without your token (X-Auth-Token)');
    const base = (await this.#find()).replace(/\/+(v1\/*)?$/, '');
    // Barbican has every secret in this form, and answers 406 to others that the secret does not have.
    const headers = { 'X-Auth-Token': token, Accept: 'application/octet-stream' };
    return await this.#download.get(id, `${base}/v1/secrets/${id}/payload`, headers, signal);
  }

  async close(): Promise<void> {
    await this.#download.close();
  }
}

export function openBarbican(find: FindEndpoint, options: DownloadOptions): CertificateSource {
  return new Barbican(find, options);
}

/** Milliseconds that an endpoint of the catalogue is remembered. */
const rememberMs = 60_000;

/** The public endpoint of type key-manager in Keystone's catalogue; a region of null: any. */
export function endpointFromCatalogue(keystone: KeystoneClient, region: string | null): FindEndpoint {
  let known: { readonly url: string; readonly since: number } | null = null;
  return async () => {
    const now = Date.now();
    if (known !== null && now >= known.since && now - known.since < rememberMs) return known.url;
    const catalogue = await keystone.get<Catalogue>('/auth/catalog');
    const url = endpointIn(catalogue, { type: 'key-manager', interface: 'public', region });
    if (url === undefined)
      throw new Failure('unavailable', 'The service catalogue has no key manager to read certificates from.');
    known = { url, since: now };
    return url;
  };
}
