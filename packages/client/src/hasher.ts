/** Digests of bytes that pass by: the hash functions are the caller's, as browsers have none that take a stream. */

import { VerificationError } from './errors.ts';
import type { Image } from './image.ts';

/** A running digest. `createHash` of `node:crypto` gives objects of this shape. */
export interface Hasher {
  update(bytes: Uint8Array): unknown;
  digest(encoding: 'hex'): string | Promise<string>;
}

/** Starts a digest (`sha512`, `md5`, …); null when the algorithm is not known. */
export type CreateHasher = (algorithm: string) => Hasher | null;

/** Hex digests by algorithm. */
export type Digests = Readonly<Record<string, string>>;

/** The digests a record tells of its data, strongest first. */
export function recordedDigests(image: Image): [algorithm: string, hex: string][] {
  const digests: [string, string][] = [];
  if (image.os_hash_algo && image.os_hash_value) digests.push([image.os_hash_algo, image.os_hash_value]);
  if (image.checksum) digests.push(['md5', image.checksum]);
  return digests;
}

/**
 * Compares what was sent with what the server says it has. Gives the algorithm that proved it, null when the record has
 * no digest of an algorithm in `digests`. Throws VerificationError when size or digest differ.
 */
export function verifyUpload(image: Image, bytes: number, digests: Digests): string | null {
  if (image.size !== bytes) throw sizeError(image.id, bytes, image.size ?? 0, 'the server recorded');
  for (const [algorithm, hex] of recordedDigests(image)) {
    const own = digests[algorithm];
    if (own === undefined) continue;
    if (own.toLowerCase() !== hex.toLowerCase()) throw digestError(image.id, algorithm, own, hex);
    return algorithm;
  }
  return null;
}

export function sizeError(
  imageId: string,
  expected: number,
  actual: number,
  found: string,
): VerificationError {
  const message = `image ${imageId} should have ${expected} bytes, but ${found} ${actual}`;
  return new VerificationError(message, imageId, 'size');
}

export function digestError(
  imageId: string,
  algorithm: string,
  expected: string,
  actual: string,
): VerificationError {
  const message = `image ${imageId} should have the ${algorithm} ${expected}, but it is ${actual}`;
  return new VerificationError(message, imageId, 'digest');
}
