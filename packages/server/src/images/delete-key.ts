/** The secret that encrypts the data of an image goes with the image, where its properties say so (API section 3, DELETE). */
import { uuidPattern } from '../base/uuid.ts';
import type { Image } from './image.ts';
import type { ImageParts } from './parts.ts';

/** Its id; null when the image has none, or is not to take it along. */
function doomedKey({ properties }: Image): string | null {
  const id = properties.cinder_encryption_key_id;
  const policy = properties.cinder_encryption_key_deletion_policy;
  return policy === 'on_image_deletion' && id != null && uuidPattern.test(id) ? id : null;
}

/** After the image is gone for good. What the key manager refuses is said in the log: the image does not come back for it. */
export async function deleteKey(
  { keyManager, log }: Pick<ImageParts, 'keyManager' | 'log'>,
  image: Image,
  token: string | null,
): Promise<void> {
  const secret = doomedKey(image);
  if (secret === null || keyManager === null || token === null) return;
  try {
    await keyManager.deleteSecret(secret, token);
  } catch (err) {
    log.warn({ err, image: image.id, secret }, 'the secret that encrypted a deleted image is left');
  }
}
