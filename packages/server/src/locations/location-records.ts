/** Where the bytes of images are. */
import { randomUUID } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';
import { Failure } from '../base/failure.ts';
import { currentTime } from '../database/clock.ts';
import type { Database } from '../database/connect.ts';
import { executePrepared } from '../database/prepared.ts';
import type { Queries } from '../database/queries.ts';
import { stagingStoreId } from '../stores/registry.ts';

export interface Location {
  readonly id: string;
  readonly image_id: string;
  readonly store: string;
  readonly key: string;
  /** What a client said about it. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The bytes were not there, or not those of the image, when they were last asked for; null: all is well. */
  readonly trouble: 'missing' | 'failed' | null;
}

const columns = ['id', 'image_id', 'store', 'key', 'metadata', 'trouble'] as const;

/** First key of the advisory locks under which an object gets its one image; the second is a hash of the object. */
const lockClass = 1_953_066_614;

/** Comes after those that its image has. */
export async function insertLocation(
  queries: Queries,
  place: Pick<Location, 'image_id' | 'store' | 'key'>,
  status: 'active' | 'pending_delete',
): Promise<Location> {
  const location = { ...place, id: randomUUID(), metadata: {}, trouble: null };
  const position = queries
    .selectFrom('image_locations')
    .select(sql<number>`coalesce(max(position) + 1, 0)`.as('next'))
    .where('image_id', '=', place.image_id);
  const row = { ...location, metadata: '{}', status, position, created_at: currentTime() };
  await executePrepared(queries, queries.insertInto('image_locations').values(row));
  return location;
}

/** Marks the bytes under those keys for removal that `taken`, a statement with `RETURNING key`, takes away from elsewhere. */
export async function doomTaken(
  queries: Queries,
  { image_id, store }: Pick<Location, 'image_id' | 'store'>,
  taken: RawBuilder<{ key: string }>,
): Promise<Location[]> {
  return await executePrepared(
    queries,
    sql<Location>`
      WITH taken AS (${taken})
      INSERT INTO image_locations (id, image_id, store, key, status, position, created_at)
      SELECT gen_random_uuid(), ${image_id}::uuid, ${store}, key, 'pending_delete',
        (SELECT coalesce(max(position), -1) FROM image_locations WHERE image_id = ${image_id}::uuid)
          + row_number() OVER (),
        ${currentTime()}::timestamptz
      FROM taken
      RETURNING ${sql.raw(columns.join(', '))}`,
  );
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

/** With what is told of a location as a copy. */
export interface Copy extends Location {
  /** `derived`: in another format than that of the image; what it holds then is not null. */
  readonly status: 'active' | 'derived' | 'pending_delete';
  readonly disk_format: string | null;
  readonly size: number | null;
  readonly checksum: string | null;
  readonly os_hash_algo: string | null;
  readonly os_hash_value: string | null;
  readonly disk_sha256: string | null;
  readonly created_at: Date;
  readonly trouble_at: Date | null;
}

/** In their order, those too that are being removed. */
export async function copiesOf(queries: Queries, imageId: string): Promise<Copy[]> {
  return await queries
    .selectFrom('image_locations')
    .select([...columns, 'status', 'created_at', 'trouble_at'])
    .select(['disk_format', 'size', 'checksum', 'os_hash_algo', 'os_hash_value', 'disk_sha256'])
    .where('image_id', '=', imageId)
    .orderBy('position')
    .orderBy('created_at')
    .orderBy('id')
    .execute();
}

/** Whether any image's data is at this place. */
export async function holdsData(queries: Queries, store: string, key: string): Promise<boolean> {
  const row = await queries
    .selectFrom('image_locations')
    .select('id')
    .where('store', '=', store)
    .where(sql`md5(key)`, '=', sql`md5(${key})`)
    .where('key', '=', key)
    .where('status', '<>', 'pending_delete')
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
export type WantedLocation = Omit<Location, 'image_id' | 'trouble'> & { readonly isNew?: true };

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
          created_at: currentTime(),
        })
        .execute();
  }
  return doomed;
}

/** Marks all bytes of an image for removal, those too that were made of it. */
export async function doomLocations(queries: Queries, imageId: string): Promise<Location[]> {
  return await queries
    .updateTable('image_locations')
    .set({ status: 'pending_delete' })
    .where('image_id', '=', imageId)
    .where('status', '<>', 'pending_delete')
    .returning(columns)
    .execute();
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
  await executePrepared(database.db, database.db.deleteFrom('image_locations').where('id', '=', id));
}

/** Of a location that still is the image's, else false; `trouble` null: what was wrong is right again. */
export async function markTrouble(
  database: Database,
  { id }: Pick<Location, 'id'>,
  trouble: Location['trouble'],
): Promise<boolean> {
  const { numUpdatedRows } = await database.db
    .updateTable('image_locations')
    .set({ trouble, trouble_at: trouble === null ? null : currentTime() })
    .where('id', '=', id)
    .where('status', '<>', 'pending_delete')
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** The keys that this service makes begin with the id of the image. */
const imageOfKey = sql.raw(
  `CASE WHEN asked.key ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' THEN left(asked.key, 36)::uuid END`,
);

/** Of these keys those that something names, in whatever state it is, and those of images that are at work: their flows name them. */
export async function recordedKeys(
  database: Database,
  store: string,
  keys: readonly string[],
): Promise<Set<string>> {
  const { rows } = await sql<{ key: string }>`
    SELECT key FROM unnest(${keys}::text[]) AS asked (key)
    WHERE EXISTS (SELECT 1 FROM image_locations l WHERE l.store = ${store} AND md5(l.key) = md5(asked.key) AND l.key = asked.key)
      OR EXISTS (SELECT 1 FROM uploads u WHERE u.store = ${store} AND u.key = asked.key)
      OR EXISTS (SELECT 1 FROM images i WHERE i.id = ${imageOfKey} AND i.status IN ('saving', 'uploading', 'importing'))
      OR EXISTS (SELECT 1 FROM image_drafts d WHERE d.id = ${imageOfKey})
      OR (${store} = ${stagingStoreId} AND EXISTS (
        SELECT 1 FROM staged_data s WHERE s.key = asked.key
        UNION ALL SELECT 1 FROM export_data e WHERE e.key = asked.key))`.execute(database.db);
  return new Set(rows.map(({ key }) => key));
}

/** What the bytes of a copy should be. */
export interface CopyRecord extends Location {
  /** Bytes. */
  readonly size: number;
  readonly algorithm: string | null;
  readonly digest: string | null;
}

/** Some of the copies in a store that are older than `before`, by id, those after `after`. */
export async function copiesIn(
  database: Database,
  store: string,
  { before, after, most }: { before: Date; after: string | null; most: number },
): Promise<CopyRecord[]> {
  return await database.db
    .selectFrom('image_locations as l')
    .innerJoin('images as i', 'i.id', 'l.image_id')
    .select(['l.id', 'l.image_id', 'l.store', 'l.key', 'l.metadata', 'l.trouble'])
    .select(({ fn }) => fn.coalesce('l.os_hash_algo', 'i.os_hash_algo').as('algorithm'))
    .select(({ fn }) => fn.coalesce('l.os_hash_value', 'i.os_hash_value').as('digest'))
    .select(({ fn }) => fn.coalesce('l.size', 'i.size', sql<number>`0`).as('size'))
    .where('l.store', '=', store)
    .where('l.status', '<>', 'pending_delete')
    .where('l.created_at', '<', before)
    .$if(after !== null, (query) => query.where('l.id', '>', after!))
    .orderBy('l.id')
    .limit(most)
    .execute();
}
