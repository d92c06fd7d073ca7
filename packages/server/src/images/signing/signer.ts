/** Who has signed an image: the signature and the certificate to verify it with, both good as far as can be told without the data. */
import type { Image } from '../image.ts';
import { readCertificate, requireItsTime, requireKey, requireTrust } from './certificate.ts';
import { readDeclaration } from './declaration.ts';
import type { KeyType } from './key-types.ts';
import type { Signatures } from './signatures.ts';
import type { Asked } from './sources/source.ts';

/** Plain and without secrets: it can be kept, and be given to another process, until the data is there. */
export interface Signer {
  /** Base64. */
  readonly signature: string;
  readonly hash: string;
  readonly keyType: KeyType;
  readonly certificateId: string;
  /** PEM. */
  readonly certificate: string;
}

/**
 * Null for an unsigned image. Fails with signature_required, signature_invalid or certificate_refused, with unavailable when
 * the certificates cannot be asked now, and with the reason of the signal.
 */
export async function findSigner(signatures: Signatures, image: Image, asked: Asked): Promise<Signer | null> {
  const declared = readDeclaration(image.properties, signatures.required);
  if (declared === null) return null;
  const { certificateId: id, keyType, hash } = declared;
  const certificate = readCertificate(id, await signatures.certificates.fetch(id, asked));
  const now = Date.now();
  requireItsTime(id, certificate, now);
  if (signatures.trusted !== null) requireTrust(id, certificate, signatures.trusted.current, now);
  requireKey(id, certificate, keyType);
  const signature = declared.signature.toString('base64');
  return { signature, hash, keyType, certificateId: id, certificate: certificate.toString() };
}
