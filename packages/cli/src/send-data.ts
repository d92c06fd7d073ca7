/** Uploads a source into an image and makes sure that the server has exactly those bytes. */
import { type Digests, type Image, recordedDigests, verifyUpload } from '@tintype/client';
import { type Call, showProgress } from './call.ts';
import { UsageError } from './command-error.ts';
import type { ImageSource } from './image-source.ts';
import { createHasher } from './node-hasher.ts';

export interface SendOptions {
  readonly store?: string;
  /** The server refuses the data unless it has these. */
  readonly expectedDigests: Digests;
  readonly signal: AbortSignal;
}

/** The image's record afterwards. Throws VerificationError when the server took in something else than was sent. */
export async function sendData(
  call: Call,
  image: Image,
  source: ImageSource,
  options: SendOptions,
): Promise<Image> {
  const display = showProgress(call, 'uploading', source.name, source.size);
  try {
    const { bytes, digests } = await call.client.uploadData(image.id, source.stream(), {
      ...options,
      size: source.size ?? undefined,
      // A file can be read again if the server goes by another algorithm; what came through a pipe cannot.
      hash: { algorithms: source.size === null ? ['sha512', 'sha256', 'md5'] : ['sha512'], createHasher },
      onProgress: display.onProgress,
    });
    display.done();
    const after = await call.client.getImage(image.id, options.signal);
    await verify(call, after, source, bytes, digests);
    return after;
  } catch (thrown) {
    display.stop();
    throw thrown;
  }
}

async function verify(
  call: Call,
  after: Image,
  source: ImageSource,
  bytes: number,
  digests: Digests,
): Promise<void> {
  if (verifyUpload(after, bytes, digests) !== null) return;
  for (const [algorithm] of recordedDigests(after)) {
    const digest = createHasher(algorithm) === null ? null : await source.digestAgain(algorithm);
    if (digest !== null && verifyUpload(after, bytes, { [algorithm]: digest }) !== null) return;
  }
  call.note(`not verified: the server recorded no digest of ${after.id} that can be computed here`);
}

/** `sha256=<hex>` options by algorithm. Throws UsageError. */
export function parseDigests(texts: readonly string[]): Record<string, string> {
  const digests: Record<string, string> = {};
  for (const text of texts) {
    const [, algorithm, hex] = /^([a-z0-9]+)=([0-9a-f]{32,128})$/i.exec(text) ?? [];
    if (algorithm === undefined || hex === undefined) {
      throw new UsageError(`"${text}" is no digest: write it as sha256=<hex digits>`);
    }
    digests[algorithm.toLowerCase()] = hex.toLowerCase();
  }
  return digests;
}
