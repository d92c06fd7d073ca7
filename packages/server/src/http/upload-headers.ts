/** What a client says about the data it is going to send. */
import type { IncomingHttpHeaders } from 'node:http';
import { Failure } from '../base/failure.ts';

/** Hex digits by algorithm. */
const digits: Readonly<Record<string, number>> = { md5: 32, sha1: 40, sha256: 64, sha384: 96, sha512: 128 };

/** One value of a header; of a repeated one the first. */
export function textHeader(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function readCount(name: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text.trim()) || !Number.isSafeInteger(value))
    throw new Failure('bad_request', `${name} is not a number of bytes.`);
  return value;
}

/** Bytes from X-OpenStack-Image-Size, else from Content-Length, else null. */
export function readAnnouncedSize(headers: IncomingHttpHeaders): number | null {
  const announced = textHeader(headers['x-openstack-image-size']);
  if (announced !== undefined) return readCount('X-OpenStack-Image-Size', announced);
  const length = headers['content-length'];
  return length === undefined ? null : readCount('Content-Length', length);
}

/** `X-Tintype-Expected-Digest: sha256=<hex>[, md5=<hex>]` by algorithm. */
export function readExpectedDigests(headers: IncomingHttpHeaders): Record<string, string> {
  const text = textHeader(headers['x-tintype-expected-digest']);
  const digests: Record<string, string> = {};
  for (const part of text?.split(',') ?? []) {
    const [, algorithm = '', value = ''] = /^\s*([a-z0-9]+)=([0-9a-f]+)\s*$/i.exec(part) ?? [];
    if (digits[algorithm.toLowerCase()] !== value.length || value === '')
      throw new Failure(
        'bad_request',
        `X-Tintype-Expected-Digest is not one of ${Object.keys(digits)} with its hex digest.`,
      );
    digests[algorithm.toLowerCase()] = value.toLowerCase();
  }
  return digests;
}
