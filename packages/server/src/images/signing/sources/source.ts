/** Where the certificates of signers come from. */
import { refusedCertificate } from '../certificate.ts';

/** On whose behalf, and for how long. */
export interface Asked {
  /** The caller's token, as it came; null when there was none. */
  readonly token: string | null;
  readonly signal: AbortSignal;
}

export interface CertificateSource {
  /**
   * The certificate with this id, a UUID in lower case. Fails with certificate_refused when there is none for this
   * caller or it is larger than a certificate, with unavailable when that cannot be told now, and with the reason of the signal.
   */
  fetch(id: string, asked: Asked): Promise<Buffer>;
  close(): Promise<void>;
}

/** Bytes. */
export const largestCertificate = 64 * 1024;

export function tooLarge(id: string): Error {
  return refusedCertificate(id, `is larger than ${largestCertificate} bytes`);
}

export const noCertificates: CertificateSource = {
  async fetch(id) {
    throw refusedCertificate(
      id,
      'cannot be read: this server has no source of certificates (signatures.certificates)',
    );
  },
  async close() {},
};
