/** Who signed an image that is about to be imported: found out while the caller's token is at hand. */
import type { Image } from '../images/image.ts';
import { findSigner } from '../images/signing/signer.ts';
import type { ActionParts } from './parts.ts';
import type { PlaceInput } from './steps/place.ts';

/** Milliseconds it may take. */
const patienceMs = 60_000;

/** Null: nobody did. Fails as `findSigner` does. */
export async function findImportSigner(
  { signatures }: Pick<ActionParts, 'signatures'>,
  image: Image,
  token: string | null,
): Promise<PlaceInput['signer']> {
  const signer = await findSigner(signatures, image, { token, signal: AbortSignal.timeout(patienceMs) });
  return signer === null ? null : { ...signer };
}
