/** Makes the record in another region and sends the data; back: neither is there. */
import { digestLengths } from '@tintype/contract';
import { Failure } from '../../base/failure.ts';
import { RunOver } from '../../flows/attempt.ts';
import type { Step, StepContext } from '../../flows/flow.ts';
import { findAction } from '../../images/action-records.ts';
import { openStored } from '../../images/download.ts';
import type { Image } from '../../images/image.ts';
import { findImage } from '../../images/image-records.ts';
import { OtherRegion, type RegionAddress, type StoredThere } from '../other-region.ts';
import type { ActionParts } from '../parts.ts';

export const sendName = 'clone';

/** Milliseconds for what is still to be said when an attempt has failed. */
const lastWordsMs = 10_000;

export type CloneInput = {
  /** Id of the image that is read. */
  readonly image: string;
  readonly to: { readonly [K in keyof RegionAddress]: string };
  /** Of whoever asked, to show there; not kept when the clone has ended. */
  readonly token: string | null;
  /** As it is to be there, without an id. */
  readonly record: { readonly [name: string]: null | boolean | number | string | readonly string[] };
  /** Id of a store there; null: the default one. */
  readonly store: string | null;
};

/** What the data is here. */
type Facts = Pick<Image, 'size' | 'checksum' | 'os_hash_algo' | 'os_hash_value'>;

export type Sent = { readonly [K in keyof Facts]: Facts[K] } & {
  /** Of the image there. */
  readonly id: string;
};

export function regionOf({ regions }: Pick<ActionParts, 'regions'>, { to, token }: CloneInput): OtherRegion {
  return new OtherRegion(regions.fetcherFor(to.endpoint), to, token ?? null);
}

/**
 * The image there has the id of the attempt, so that one which was cut is found by the next: it is kept when it is whole, and deleted
 * when it is not.
 */
export function sendClone(parts: ActionParts): Step<CloneInput> {
  return {
    name: sendName,
    async do(context, input) {
      const image = await sourceOf(parts, input.image);
      const there = regionOf(parts, input);
      const { size, checksum, os_hash_algo, os_hash_value } = image;
      const facts = { size, checksum, os_hash_algo, os_hash_value };
      for (const id of context.attempts)
        if (await isWhole(there, id, facts, context.signal)) return { id, ...facts } satisfies Sent;
      await sendAs(parts, context, input, image, there);
      return { id: context.attempt, ...facts } satisfies Sent;
    },
    async undo(context, input) {
      const action = await parts.database.transaction(async (queries) => {
        await context.fence(queries);
        return await findAction(queries, context.flow);
      });
      if (action?.outcome === 'success') return;
      const there = regionOf(parts, input);
      for (const id of context.attempts) await there.remove(id, context.signal);
    },
  };
}

/** Fails unless its data may still be had. */
async function sourceOf({ database }: Pick<ActionParts, 'database'>, id: string): Promise<Image> {
  const image = await findImage(database.db, id);
  if (image === undefined || image.status === 'pending_delete')
    throw new Failure('image_deleted', `Image ${id} was deleted before it was cloned.`);
  if (image.status === 'active') return image;
  throw new Failure('image_deactivated', `Image ${id} is ${image.status} now: it is not cloned any more.`);
}

/** What an earlier attempt left there is gone unless it is all of it. */
async function isWhole(there: OtherRegion, id: string, facts: Facts, signal: AbortSignal): Promise<boolean> {
  const found = await there.find(id, signal);
  if (found === null) return false;
  if (found.status === 'active' && differenceOf(facts, found) === null) return true;
  await there.remove(id, signal);
  return false;
}

/** In what the data there differs from that here; null: in nothing that can be compared. */
export function differenceOf(facts: Facts, there: Omit<StoredThere, 'status'>): string | null {
  if (facts.size !== there.size) return `${there.size} bytes instead of ${facts.size}`;
  const hasBoth = facts.os_hash_value !== null && there.os_hash_value !== null;
  if (hasBoth && facts.os_hash_algo === there.os_hash_algo)
    return facts.os_hash_value === there.os_hash_value ? null : `another ${facts.os_hash_algo} digest`;
  const isOther = facts.checksum !== null && there.checksum !== null && facts.checksum !== there.checksum;
  return isOther ? 'another MD5 checksum' : null;
}

async function sendAs(
  parts: ActionParts,
  context: StepContext,
  { record, store }: CloneInput,
  image: Image,
  there: OtherRegion,
): Promise<void> {
  const { attempt: id, signal } = context;
  try {
    await there.create({ ...record, id }, signal);
    await parts.database.transaction((queries) => context.fence(queries));
    const headers = { ...announced(image), ...(store === null ? {} : { 'X-Image-Meta-Store': store }) };
    const body = image.size === 0 ? '' : dataOf(parts, image, context);
    await there.send(id, { headers, body }, signal);
  } catch (error) {
    const isOver = error instanceof RunOver || signal.reason instanceof RunOver;
    const isLeft = isOver || !signal.aborted;
    if (isLeft && (await isWholeAfterAll(there, image, id, isOver))) return;
    throw error;
  }
}

/** Nothing half-made waits for a retry: as far as the region can be asked, all of it is there or nothing. */
async function isWholeAfterAll(
  there: OtherRegion,
  image: Image,
  id: string,
  isOver: boolean,
): Promise<boolean> {
  const signal = AbortSignal.timeout(lastWordsMs);
  try {
    if (!isOver) return await isWhole(there, id, image, signal);
    // Whoever has the flow now may have cleared up before this record was there.
    await there.remove(id, signal);
  } catch {
    // The next attempt, or the way back, finds it.
  }
  return false;
}

/** A Tintype there refuses other data than this before it is any image's; others do not mind. */
function announced({ size, os_hash_algo, os_hash_value }: Image): Record<string, string> {
  const length = String(size);
  const isKnown = os_hash_algo !== null && Object.hasOwn(digestLengths, os_hash_algo);
  return {
    'Content-Length': length,
    'X-OpenStack-Image-Size': length,
    ...(isKnown ? { 'X-Tintype-Expected-Digest': `${os_hash_algo}=${os_hash_value}` } : {}),
  };
}

/** Held against the digest of the image as it passes: nothing else may arrive. */
async function* dataOf(parts: ActionParts, image: Image, context: StepContext): AsyncGenerator<Uint8Array> {
  const settings = { ...parts.settings, verifyDownloads: 'always' } as const;
  const chunks = await openStored({ ...parts, settings }, { image, derived: null }, null);
  let done = 0;
  for await (const chunk of chunks) {
    // Its buffer is used again, and the connection may not have taken it yet.
    yield Buffer.from(chunk);
    done += chunk.length;
    context.progress(done, image.size!);
  }
}
