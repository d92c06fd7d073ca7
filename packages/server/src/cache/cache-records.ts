/** Which nodes keep copies of which images, and what each shall fetch. */
import { sql } from 'kysely';
import type { Database } from '../database/connect.ts';
import type { Queries } from '../database/queries.ts';

/** Days after which a node that has not been seen again is forgotten. */
const forgottenAfter = 30;

export interface CachedImage {
  readonly image_id: string;
  /** Bytes. */
  readonly size: number;
  readonly hits: number;
  readonly cached_at: Date;
  readonly read_at: Date;
}

export interface CacheNode {
  readonly id: string;
  readonly url: string;
  /** Number of the server process. */
  readonly process: number;
}

export async function enrolNode(database: Database, { id, url, process }: CacheNode): Promise<void> {
  await database.transaction(async (queries) => {
    await sql`
      INSERT INTO cache_nodes (id, url, process) VALUES (${id}, ${url}, ${process})
      ON CONFLICT (id) DO UPDATE SET url = ${url}, process = ${process}, seen_at = now()`.execute(queries);
    await sql`
      DELETE FROM cache_nodes
      WHERE seen_at < now() - make_interval(days => ${forgottenAfter})
        AND process NOT IN (SELECT number FROM processes)`.execute(queries);
  });
}

export async function cachedImages(database: Database, node: string): Promise<CachedImage[]> {
  return await database.db
    .selectFrom('cached_images')
    .select(['image_id', 'size', 'hits', 'cached_at', 'read_at'])
    .where('node', '=', node)
    .execute();
}

/** Records them as they are now, and that the node has those no more whose ids are in `gone`. */
export async function recordCached(
  database: Database,
  node: string,
  changed: readonly CachedImage[],
  gone: readonly string[],
): Promise<void> {
  await database.transaction(async (queries) => {
    if (gone.length > 0)
      await sql`DELETE FROM cached_images WHERE node = ${node} AND image_id = ANY (${gone}::uuid[])`.execute(
        queries,
      );
    for (const { image_id, size, hits, cached_at, read_at } of changed)
      await sql`
        INSERT INTO cached_images (node, image_id, size, hits, cached_at, read_at)
        VALUES (${node}, ${image_id}, ${size}, ${hits}, ${cached_at}, ${read_at})
        ON CONFLICT (node, image_id)
        DO UPDATE SET size = ${size}, hits = ${hits}, cached_at = ${cached_at}, read_at = ${read_at}`.execute(
        queries,
      );
  });
}

/** Of these images, those that are no more. */
export async function goneImages(database: Database, ids: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM unnest(${ids}::uuid[]) AS known (id)
    WHERE NOT EXISTS (SELECT FROM images WHERE images.id = known.id)`.execute(database.db);
  return rows.map(({ id }) => id);
}

/** URLs of the nodes that live and have the image. */
export async function nodesWith(queries: Queries, imageId: string): Promise<string[]> {
  const { rows } = await sql<{ url: string }>`
    SELECT DISTINCT url FROM cache_nodes
    JOIN cached_images ON node = cache_nodes.id
    JOIN processes ON number = process
    WHERE image_id = ${imageId}
    ORDER BY url`.execute(queries);
  return rows.map(({ url }) => url);
}

/** Nothing happens when it is queued already. */
export async function queueImage(database: Database, node: string, imageId: string): Promise<void> {
  await sql`
    INSERT INTO cache_queue (node, image_id) VALUES (${node}, ${imageId})
    ON CONFLICT DO NOTHING`.execute(database.db);
}

/** Ids of the images that were queued `ageMs` ago or earlier, oldest first. */
export async function queuedImages(database: Database, node: string, ageMs = 0): Promise<string[]> {
  const { rows } = await sql<{ image_id: string }>`
    SELECT image_id FROM cache_queue
    WHERE node = ${node} AND queued_at <= now() - make_interval(secs => ${ageMs / 1000})
    ORDER BY queued_at, image_id`.execute(database.db);
  return rows.map(({ image_id }) => image_id);
}

/** `imageId` null: all. Resolves with how many were queued. */
export async function unqueueImages(
  database: Database,
  node: string,
  imageId: string | null,
): Promise<number> {
  const { numAffectedRows } = await sql`
    DELETE FROM cache_queue
    WHERE node = ${node} AND (${imageId}::uuid IS NULL OR image_id = ${imageId}::uuid)`.execute(database.db);
  return Number(numAffectedRows ?? 0);
}
