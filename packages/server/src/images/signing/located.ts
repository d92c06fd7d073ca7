/** Signatures of images whose data is somewhere already: asked about while the caller is there, verified later. */
import { Failure } from '../../base/failure.ts';
import type { Image } from '../image.ts';
import type { Signatures } from './signatures.ts';
import { findSigner, type Signer } from './signer.ts';

/** Null for an unsigned image. Fails as `findSigner` does. */
export async function findSignerNow(
  { signatures }: { readonly signatures: Signatures },
  image: Image,
  token: string | null,
): Promise<Signer | null> {
  return await findSigner(signatures, image, { token, signal: new AbortController().signal });
}

/** Fails with signature_invalid when the image says something else of its signature than it did. */
export function requireSameSignature(before: Image, now: Image): void {
  const said = ({ properties }: Image) =>
    JSON.stringify(
      Object.entries(properties)
        .filter(([name]) => name.startsWith('img_signature'))
        .sort(),
    );
  if (said(before) !== said(now))
    throw new Failure(
      'signature_invalid',
      'The img_signature properties must be set before the location is.',
    );
}
