/** Copies in another format than that of their image: apart from its locations, which all hold the same bytes. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { isStorable } from '../base/text.ts';
import { currentTime } from '../database/clock.ts';
import type { Queries } from '../database/queries.ts';
import type { Location } from './location-records.ts';

/** What such a copy holds, in a bare container. */
export interface DerivedData {
  readonly disk_format: string;
  /** Bytes. */
  readonly size: number;
  readonly checksum: string | null;
  readonly os_hash_algo: string | null;
  readonly os_hash_value: string | null;
  /** In hex, of what a guest sees. */
  readonly disk_sha256: string;
}

const columns = [
  ...(['id', 'image_id', 'store', 'key', 'metadata', 'trouble'] as const),
  ...(['disk_format', 'size', 'checksum', 'os_hash_algo', 'os_hash_value', 'disk_sha256'] as const),
] as const;

export async function insertDerived(
  queries: Queries,
  place: Pick<Location, 'image_id' | 'store' | 'key'>,
  { disk_format, size, checksum, os_hash_algo, os_hash_value, disk_sha256 }: DerivedData,
): Promise<void> {
  const data = { disk_format, size, checksum, os_hash_algo, os_hash_value, disk_sha256 };
  const rest = {
    id: randomUUID(),
    metadata: '{}',
    position: 0,
    status: 'derived',
    created_at: currentTime(),
  } as const;
  await queries
    .insertInto('image_locations')
    .values({ ...place, ...data, ...rest })
    .execute();
}

/** The oldest first. */
export async function derivedCopies(queries: Queries, imageId: string): Promise<(Location & DerivedData)[]> {
  const rows = await queries
    .selectFrom('image_locations')
    .select(columns)
    .where('image_id', '=', imageId)
    .where('status', '=', 'derived')
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows as (Location & DerivedData)[];
}

/** Marks one of them for removal; resolves with it, or with nothing when there is no such copy. */
export async function doomDerived(queries: Queries, imageId: string, id: string): Promise<Location[]> {
  if (!isStorable(id)) return [];
  return await queries
    .updateTable('image_locations')
    .set({ status: 'pending_delete' })
    .where('image_id', '=', imageId)
    .where('status', '=', 'derived')
    .where(sql`id::text`, '=', id)
    .returning(['id', 'image_id', 'store', 'key', 'metadata', 'trouble'])
    .execute();
}
