/** Sends the data of an image; the digests are computed while the bytes pass. */
import type { Connection } from './connection.ts';
import { segment } from './endpoint.ts';
import type { CreateHasher, Digests, Hasher } from './hasher.ts';
import { type ImageBody, openSource } from './upload-source.ts';

/** Bytes so far, and of how many (null when nobody knows). */
export interface Progress {
  readonly transferred: number;
  readonly total: number | null;
}

export interface UploadOptions {
  /** Bytes; known by itself for Blob and Uint8Array. The server refuses more and fewer. */
  readonly size?: number;
  /** Id of the store to put the data in. */
  readonly store?: string;
  /** Hex digests (md5, sha1, sha256, sha384, sha512) that the server compares before it accepts the data. */
  readonly expectedDigests?: Digests;
  /** Compute these digests of what is sent. */
  readonly hash?: { readonly algorithms: readonly string[]; readonly createHasher: CreateHasher };
  /** For streams after every chunk; for Blob and Uint8Array, which fetch sends by itself, at the end only. */
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

export interface Uploaded {
  readonly bytes: number;
  /** Of the algorithms asked for, those that `createHasher` knew. */
  readonly digests: Digests;
}

/** Resolves when the server has the data safe. Compare with `verifyUpload` and the image's new record. */
export async function uploadData(
  connection: Connection,
  id: string,
  body: ImageBody,
  options: UploadOptions = {},
): Promise<Uploaded> {
  const { createHasher, algorithms = [] } = options.hash ?? {};
  const hashers = algorithms.flatMap((algorithm): [string, Hasher][] => {
    const hasher = createHasher?.(algorithm) ?? null;
    return hasher === null ? [] : [[algorithm, hasher]];
  });
  let transferred = 0;
  const source = openSource(body, (chunk) => {
    for (const [, hasher] of hashers) hasher.update(chunk);
    transferred += chunk.length;
    options.onProgress?.({ transferred, total: options.size ?? source.size });
  });
  const size = options.size ?? source.size;
  try {
    const answer = await connection.send({
      method: 'PUT',
      path: `/v2/images/${segment(id)}/file`,
      headers: uploadHeaders(size, options),
      body: source.body,
      signal: options.signal,
    });
    await answer.body?.cancel();
  } catch (thrown) {
    throw source.failure() ?? thrown;
  } finally {
    await source.close();
  }
  await source.passWhole();
  const digests: Record<string, string> = {};
  for (const [algorithm, hasher] of hashers) digests[algorithm] = await hasher.digest('hex');
  return { bytes: transferred, digests };
}

function uploadHeaders(size: number | null, options: UploadOptions): Record<string, string> {
  const expected = Object.entries(options.expectedDigests ?? {}).map(
    ([algorithm, hex]) => `${algorithm}=${hex}`,
  );
  return {
    'Content-Type': 'application/octet-stream',
    ...(size === null ? {} : { 'X-OpenStack-Image-Size': String(size) }),
    ...(options.store === undefined ? {} : { 'X-Image-Meta-Store': options.store }),
    ...(expected.length === 0 ? {} : { 'X-Tintype-Expected-Digest': expected.join(',') }),
  };
}
