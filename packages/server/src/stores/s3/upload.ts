/** Brings a stream into a bucket: small ones in one piece, others in parts of which none is left when it fails. */
import type { CompletedPart } from '@aws-sdk/client-s3';
import { Failure } from '../../base/failure.ts';
import { sendInParts } from '../parts.ts';
import type { Bucket } from './bucket.ts';
import type { S3StoreOptions } from './options.ts';

const mebi = 1024 * 1024;

/** Parts do not grow beyond it: two of them fill the memory that an upload may take. */
const largestGrown = 32 * mebi;

type Sizes = Pick<S3StoreOptions, 'partSize' | 'maxParts' | 'partsAtOnce' | 'id'>;

/**
 * Bytes of the part of this number. The length is not known in advance and the number of parts is limited, so they double
 * after each eighth of that number.
 */
export function partBytes({ partSize, maxParts }: Sizes, number: number): number {
  const smallest = partSize * mebi;
  const grown = smallest * 2 ** Math.floor(((number - 1) * 8) / maxParts);
  return Math.max(smallest, Math.min(grown, largestGrown));
}

/** Uploads that could not be taken back yet: id → name. */
export type Leftovers = Map<string, string>;

/** Milliseconds that a failed upload waits for its parts to be taken back. */
const patienceMs = 10_000;

interface Target {
  readonly bucket: Bucket;
  readonly sizes: Sizes;
  readonly leftovers: Leftovers;
  readonly name: string;
}

/** Fails with what `body` throws, the reason of `signal`, image_exists, store_full or store_unavailable. */
export async function upload(
  target: Target,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<{ size: number }> {
  const multipart = new Multipart(target);
  const { size, whole, sent } = await sendInParts(body, signal, multipart).catch(async (error) => {
    await multipart.takeBack();
    throw error;
  });
  try {
    signal?.throwIfAborted();
    // Not aborted midway: whether the server has it would then be unknown.
    if (whole === null) await multipart.finish(sent);
    else await target.bucket.put(target.name, whole);
    await checkSize(target, size);
    signal?.throwIfAborted();
    return { size };
  } catch (error) {
    const isOurs = !(error instanceof Failure && error.code === 'image_exists');
    await multipart.takeBack();
    if (isOurs) await target.bucket.delete(target.name, AbortSignal.timeout(patienceMs)).catch(() => {});
    throw error;
  }
}

async function checkSize({ bucket, sizes, name }: Target, size: number): Promise<void> {
  const found = await bucket.head(name);
  if (found?.size === size) return;
  const kept = found === null ? 'none' : String(found.size);
  throw new Failure('store_unavailable', `Store ${sizes.id} has kept ${kept} of ${size} bytes.`);
}

class Multipart {
  readonly atOnce: number;
  readonly #target: Target;
  #upload: string | null = null;

  constructor(target: Target) {
    this.#target = target;
    this.atOnce = target.sizes.partsAtOnce;
  }

  partBytes(number: number): number {
    return partBytes(this.#target.sizes, number);
  }

  async begin(): Promise<void> {
    this.#upload = await this.#target.bucket.beginUpload(this.#target.name);
  }

  async send(number: number, bytes: Buffer, signal: AbortSignal): Promise<CompletedPart> {
    const { bucket, sizes, name } = this.#target;
    if (number > sizes.maxParts)
      throw new Failure(
        'store_full',
        `Store ${sizes.id} takes objects of ${sizes.maxParts} parts: its partSize must be larger for this one.`,
      );
    return await bucket.putPart(name, this.#upload!, number, bytes, signal);
  }

  async finish(parts: readonly CompletedPart[]): Promise<void> {
    await this.#target.bucket.finishUpload(this.#target.name, this.#upload!, parts);
    this.#upload = null;
  }

  /** Never throws: what cannot be taken back now is left for the sweep. */
  async takeBack(): Promise<void> {
    const { bucket, name, leftovers } = this.#target;
    if (this.#upload === null) return;
    const signal = AbortSignal.timeout(patienceMs);
    await bucket.abortUpload(name, this.#upload, signal).catch(() => leftovers.set(this.#upload!, name));
  }
}
