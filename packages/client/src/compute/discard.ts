/** Takes back an image whose data could not be sent. */
import type { ImageClient } from '../image-client.ts';

const milliseconds = 10_000;

/** Does what it can: whoever calls has an error to tell already. */
export async function discard(client: ImageClient, id: string, isProtected: boolean): Promise<void> {
  const signal = AbortSignal.timeout(milliseconds);
  try {
    if (isProtected) await client.updateImage(id, { protected: false }, { signal });
    await client.deleteImage(id, { signal });
  } catch {
    // It stays queued, and its tasks tell why.
  }
}
