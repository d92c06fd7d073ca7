/** Where the bytes of images are. */
import { randomUUID } from 'node:crypto';
import type { Database } from '../database/connect.ts';
import type { Queries } from '../database/queries.ts';

export interface Location {
  readonly id: string;
  readonly image_id: string;
  readonly store: string;
  readonly key: string;
}

const columns = ['id', 'image_id', 'store', 'key'] as const;

export async function insertLocation(
  queries: Queries,
  place: Omit<Location, 'id'>,
  status: 'active' | 'pending_delete',
): Promise<Location> {
  const location = { ...place, id: randomUUID() };
  await queries
    .insertInto('image_locations')
    .values({ ...location, status, created_at: new Date() })
    .execute();
  return location;
}

/** Those that hold the image's bytes, oldest first. */
export async function activeLocations(queries: Queries, imageId: string): Promise<Location[]> {
  return await queries
    .selectFrom('image_locations')
    .select(columns)
    .where('image_id', '=', imageId)
    .where('status', '=', 'active')
    .orderBy('created_at')
    .execute();
}

/** Whether any image's data is at this place. */
export async function holdsData(queries: Queries, store: string, key: string): Promise<boolean> {
  const row = await queries
    .selectFrom('image_locations')
    .select('id')
    .where('store', '=', store)
    .where('key', '=', key)
    .where('status', '=', 'active')
    .executeTakeFirst();
  return row !== undefined;
}

/** Marks all bytes of an image for removal. */
export async function doomLocations(queries: Queries, imageId: string): Promise<Location[]> {
  return await queries
    .updateTable('image_locations')
    .set({ status: 'pending_delete' })
    .where('image_id', '=', imageId)
    .where('status', '=', 'active')
    .returning(columns)
    .execute();
}

/** Some of the locations in `store` whose bytes are still to be removed, oldest first. */
export async function doomedLocations(database: Database, store: string, most: number): Promise<Location[]> {
  return await database.db
    .selectFrom('image_locations')
    .select(columns)
    .where('status', '=', 'pending_delete')
    .where('store', '=', store)
    .orderBy('created_at')
    .limit(most)
    .execute();
}

export async function forgetLocation(database: Database, id: string): Promise<void> {
  await database.db.deleteFrom('image_locations').where('id', '=', id).execute();
}
