/** Data that is fetched into the staging area: the parts that are whole, and the room that the whole takes. */
import { currentTime } from '../database/clock.ts';
import type { Queries } from '../database/queries.ts';
import type { Quotas } from '../policy/quotas.ts';
import { updateDraft } from './draft-records.ts';
import type { Image } from './image.ts';
import { mebibytes, requireRoom } from './quota-check.ts';

/** How far a source has been fetched. */
export interface Fetched {
  /** Bytes that are safe. */
  readonly size: number;
  /** What they are part of; null: a source that cannot be continued, or nothing has been fetched. */
  readonly validator: string | null;
  readonly isWhole: boolean;
}

export const nothingFetched: Fetched = { size: 0, validator: null, isWhole: false };

export async function fetchedSoFar(queries: Queries, imageId: string): Promise<Fetched> {
  const last = await queries
    .selectFrom('staged_data')
    .select(['first', 'size', 'total', 'validator'])
    .where('image_id', '=', imageId)
    .orderBy('first', 'desc')
    .executeTakeFirst();
  if (last === undefined) return nothingFetched;
  const size = last.first + last.size;
  return { size, validator: last.validator, isWhole: size === last.total };
}

export interface FetchedPart {
  readonly key: string;
  readonly first: number;
  readonly size: number;
  /** Bytes of the whole; null when the source does not say. */
  readonly total: number | null;
  readonly validator: string | null;
}

export async function recordFetched(queries: Queries, imageId: string, part: FetchedPart): Promise<void> {
  await queries
    .insertInto('staged_data')
    .values({ ...part, image_id: imageId, created_at: currentTime() })
    .execute();
}

/** The source has ended: what is there is the whole. */
export async function recordWhole(queries: Queries, imageId: string, total: number): Promise<void> {
  await queries.updateTable('staged_data').set({ total }).where('image_id', '=', imageId).execute();
}

/** Makes the image count for `size` bytes of staged data. Fails with quota_exceeded, also when they could not be stored. */
export async function reserveStaged(
  queries: Queries,
  quotas: Quotas,
  image: Image,
  size: number,
): Promise<void> {
  const has = image.size ?? 0;
  if (size <= has) return;
  await requireRoom(queries, quotas, image.owner, {
    image_stage_total: mebibytes(size - has),
    image_size_total: mebibytes(size),
  });
  const sized = await queries
    .updateTable('images')
    .set({ size, updated_at: currentTime() })
    .where('id', '=', image.id)
    .executeTakeFirst();
  if (sized.numUpdatedRows === 0n) await updateDraft(queries, { ...image, size });
}
