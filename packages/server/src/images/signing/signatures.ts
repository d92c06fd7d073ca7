/** What signatures of images are checked with: the operator's settings, opened. */
import { X509Certificate } from 'node:crypto';
import type { CertificateSource } from './sources/source.ts';

export interface Signatures {
  /** Whether data without a signature is refused. */
  readonly required: boolean;
  readonly certificates: CertificateSource;
  /** Certificates of which a signer's has to be one, or issued by one; null: the source vouches for what it has. */
  readonly trusted: { readonly current: readonly X509Certificate[] } | null;
}

const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Every certificate of a PEM file. Fails when there is none, or one that cannot be read. */
export function readBundle(text: string): X509Certificate[] {
  const blocks = text.match(pemBlock) ?? [];
  if (blocks.length === 0) throw new Error('it has no certificate in PEM');
  return blocks.map((block) => new X509Certificate(block));
}
