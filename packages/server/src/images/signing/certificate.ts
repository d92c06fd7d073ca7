/** The certificate that an image names: read, within its time, trusted, and with a key that fits. */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { Failure } from '../../base/failure.ts';
import { type KeyType, unfitness } from './key-types.ts';

export function refusedCertificate(id: string, why: string, cause?: unknown): Failure {
  return new Failure('certificate_refused', `Certificate ${id} ${why}.`, { cause });
}

/** X.509 in PEM, of several the first, or DER. */
export function readCertificate(id: string, data: Buffer): X509Certificate {
  try {
    return new X509Certificate(data);
  } catch (cause) {
    throw refusedCertificate(id, 'is not X.509 in PEM or DER', cause);
  }
}

/** `now` in milliseconds since the epoch. */
function isInItsTime(certificate: X509Certificate, now: number): boolean {
  return now >= certificate.validFromDate.getTime() && now <= certificate.validToDate.getTime();
}

export function requireItsTime(id: string, certificate: X509Certificate, now: number): void {
  if (isInItsTime(certificate, now)) return;
  const { validFromDate, validToDate } = certificate;
  if (now > validToDate.getTime()) throw refusedCertificate(id, `expired at ${validToDate.toISOString()}`);
  throw refusedCertificate(id, `is not valid before ${validFromDate.toISOString()}`);
}

/** `trusted`: certificates of which it has to be one, or issued by one. */
export function requireTrust(
  id: string,
  certificate: X509Certificate,
  trusted: readonly X509Certificate[],
  now: number,
): void {
  const inTime = trusted.filter((anchor) => isInItsTime(anchor, now));
  if (inTime.some((anchor) => anchor.raw.equals(certificate.raw) || hasIssued(anchor, certificate))) return;
  throw refusedCertificate(id, 'is not issued by an authority that this server trusts');
}

/** Digests for which somebody else may have made a second certificate with the same signature. */
const weakDigest = /md[245]|sha-?1(?!\d)/i;

function hasIssued(authority: X509Certificate, certificate: X509Certificate): boolean {
  if (!authority.ca || !certificate.checkIssued(authority)) return false;
  if (weakDigest.test(certificate.signatureAlgorithm ?? '')) return false;
  return certificate.verify(authority.publicKey);
}

/** Its public key, which signatures of `type` can be verified with. */
export function requireKey(id: string, certificate: X509Certificate, type: KeyType): KeyObject {
  let key: KeyObject;
  try {
    key = certificate.publicKey;
  } catch (cause) {
    throw refusedCertificate(id, 'has a key of an unknown kind', cause);
  }
  const why = unfitness(type, key);
  if (why !== null) throw refusedCertificate(id, `does not fit ${type}: its key ${why}`);
  return key;
}
