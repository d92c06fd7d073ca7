/** Where the bytes of images are. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { Failure } from '../base/failure.ts';
import type { Database } from '../database/connect.ts';
import type { Queries } from '../database/queries.ts';

export interface Location {
  readonly id: string;
  readonly image_id: string;
  readonly store: string;
  readonly key: string;
  /** What a client said about it. */
  readonly metadata: Readonly<Record<string, string>>;
}

const columns = ['id', 'image_id', 'store', 'key', 'metadata'] as const;

/** First key of the advisory locks under which an object gets its one image; the second is a hash of the object. */
const lockClass = 1_953_066_614;

/** Comes after those that its image has. */
export async function insertLocation(
  queries: Queries,
  place: Pick<Location, 'image_id' | 'store' | 'key'>,
  status: 'active' | 'pending_delete',
): Promise<Location> {
  const location = { ...place, id: randomUUID(), metadata: {} };
  const position = queries
    .selectFrom('image_locations')
    .select(sql<number>`coalesce(max(position) + 1, 0)`.as('next'))
    .where('image_id', '=', place.image_id);
  await queries
    .insertInto('image_locations')
    .values({ ...location, metadata: '{}', status, position, created_at: new Date() })
    .execute();
  return location;
}

/** Those that hold the image's bytes, in order. */
export async function activeLocations(queries: Queries, imageId: string): Promise<Location[]> {
  return (await locationsOf(queries, [imageId])).get(imageId) ?? [];
}

/** By image, those that hold its bytes, in order. */
export async function locationsOf(
  queries: Queries,
  imageIds: readonly string[],
): Promise<Map<string, Location[]>> {
  const rows = await queries
    .selectFrom('image_locations')
    .select(columns)
    .where('image_id', '=', sql<string>`ANY (${imageIds})`)
    .where('status', '=', 'active')
    .orderBy('position')
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return Map.groupBy(rows, ({ image_id }) => image_id);
}

/** Whether any image's data is at this place. */
export async function holdsData(queries: Queries, store: string, key: string): Promise<boolean> {
  const row = await queries
    .selectFrom('image_locations')
    .select('id')
    .where('store', '=', store)
    .where(sql`md5(key)`, '=', sql`md5(${key})`)
    .where('key', '=', key)
    .where('status', '=', 'active')
    .executeTakeFirst();
  return row !== undefined;
}

/**
 * Fails with invalid_location when the object is, is becoming or was an image's data. Until the transaction ends
 * nobody else gets to ask about the same object.
 */
export async function requireFree(queries: Queries, store: string, key: string): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${lockClass}, hashtext(${`${store}/${key}`}))`.execute(queries);
  const { rows } = await sql`
    SELECT 1 FROM image_locations WHERE store = ${store} AND md5(key) = md5(${key}) AND key = ${key}
    UNION ALL
    SELECT 1 FROM uploads WHERE store = ${store} AND key = ${key}
    LIMIT 1`.execute(queries);
  if (rows.length > 0)
    throw new Failure('invalid_location', 'The data at this location belongs to an image already.');
}

/** A location as it shall be. */
export type WantedLocation = Omit<Location, 'image_id'> & { readonly isNew?: true };

/** Gives the image exactly these locations, in this order; resolves with those it had besides, now doomed. */
export async function setLocations(
  queries: Queries,
  imageId: string,
  wanted: readonly WantedLocation[],
): Promise<Location[]> {
  const kept = wanted.map(({ id }) => id);
  const doomed = await queries
    .updateTable('image_locations')
    .set({ status: 'pending_delete' })
    .where('image_id', '=', imageId)
    .where('status', '=', 'active')
    .where('id', '<>', sql<string>`ALL (${kept}::uuid[])`)
    .returning(columns)
    .execute();
  for (const [position, { id, store, key, metadata, isNew }] of wanted.entries()) {
    const text = JSON.stringify(metadata);
    if (!isNew)
      await queries
        .updateTable('image_locations')
        .set({ metadata: text, position })
        .where('id', '=', id)
        .execute();
    else
      await queries
        .insertInto('image_locations')
        .values({
          id,
          image_id: imageId,
          store,
          key,
          metadata: text,
          position,
          status: 'active',
          created_at: new Date(),
        })
        .execute();
  }
  return doomed;
}

/** Marks all bytes of an image for removal. */
export async function doomLocations(queries: Queries, imageId: string): Promise<Location[]> {
  return await setLocations(queries, imageId, []);
}

/**
 * Marks what may be under these keys for removal, recorded or not; may be repeated. Resolves with what has to be
 * removed now.
 */
export async function doomKeys(
  queries: Queries,
  place: Pick<Location, 'image_id' | 'store'>,
  keys: readonly string[],
): Promise<Location[]> {
  const doomed: Location[] = [];
  for (const key of keys) {
    const marked = await queries
      .updateTable('image_locations')
      .set({ status: 'pending_delete' })
      .where('store', '=', place.store)
      .where(sql`md5(key)`, '=', sql`md5(${key})`)
      .where('key', '=', key)
      .returning(columns)
      .execute();
    if (marked.length > 0) doomed.push(...marked);
    else doomed.push(await insertLocation(queries, { ...place, key }, 'pending_delete'));
  }
  return doomed;
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
