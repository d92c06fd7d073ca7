/** Verifies the signature of an image in the pass that its data makes anyway. */
import { createVerify, type Verify, type VerifyKeyObjectInput, X509Certificate } from 'node:crypto';
import { Failure } from '../../base/failure.ts';
import type { Observer } from '../../base/measure.ts';
import type { Image } from '../image.ts';
import { verification } from './key-types.ts';
import type { Signatures } from './signatures.ts';
import { findSigner, type Signer } from './signer.ts';
import type { Asked } from './sources/source.ts';

/** `finish` fails with signature_mismatch unless the signature is that of the data seen. */
export class SignatureVerifier implements Observer {
  readonly #signer: Signer;
  readonly #verify: Verify;
  readonly #key: VerifyKeyObjectInput;

  constructor(signer: Signer) {
    const { publicKey } = new X509Certificate(signer.certificate);
    this.#signer = signer;
    this.#verify = createVerify(signer.hash);
    this.#key = verification(signer.keyType, publicKey, signer.hash);
  }

  update(chunk: Uint8Array): void {
    this.#verify.update(chunk);
  }

  finish(): void {
    const { signature, certificateId, keyType } = this.#signer;
    let isGenuine: boolean;
    try {
      isGenuine = this.#verify.verify(this.#key, signature, 'base64');
    } catch (cause) {
      throw mismatch(certificateId, keyType, cause);
    }
    if (!isGenuine) throw mismatch(certificateId, keyType);
  }
}

function mismatch(certificateId: string, keyType: string, cause?: unknown): Failure {
  const salt = keyType === 'RSA-PSS' ? ', or with a salt shorter than the longest possible' : '';
  const message = `img_signature is not the signature of this data by certificate ${certificateId}: it was made of other data, with another key or hash method${salt}.`;
  return new Failure('signature_mismatch', message, { cause });
}

/** For data that is about to come; null for an unsigned image. Fails as `findSigner` does. */
export async function openVerifier(
  signatures: Signatures,
  image: Image,
  asked: Asked,
): Promise<SignatureVerifier | null> {
  const signer = await findSigner(signatures, image, asked);
  return signer === null ? null : new SignatureVerifier(signer);
}
