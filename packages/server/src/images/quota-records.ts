/** What a project has, counted in the transaction that is about to give it more. */
import { sql } from 'kysely';
import type { Queries } from '../database/queries.ts';
import type { Usage } from '../policy/quotas.ts';

/** First key of the advisory locks under which quotas are counted; the second is a hash of the project. */
const lockClass = 1_953_066_613;

/** Until the transaction ends nobody else counts for this project. */
export async function lockUsage(queries: Queries, project: string): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${lockClass}, hashtext(${project}))`.execute(queries);
}

/**
 * Sizes in MiB. Staged data counts apart from stored data, and what is deleted, if only in a while, not at all. What is
 * to be an image takes room in the staging area, and a turn while somebody is at it; what an export converts takes room there too.
 */
export async function usageOf(queries: Queries, project: string): Promise<Usage> {
  const { rows } = await sql<{ bytes: string; staged: string; images: string; uploading: string }>`
    SELECT coalesce(sum(size) FILTER (WHERE NOT is_staged), 0)::text AS bytes,
           coalesce(sum(size) FILTER (WHERE is_staged), 0)::text AS staged,
           count(*) FILTER (WHERE is_image)::text AS images,
           count(*) FILTER (WHERE is_uploading)::text AS uploading
    FROM (
      SELECT size, true AS is_image, status IN ('uploading', 'importing') AS is_staged,
        status IN ('saving', 'uploading', 'importing') AS is_uploading
      FROM images WHERE owner = ${project} AND status <> 'pending_delete'
      UNION ALL
      SELECT size, false, true, EXISTS (
        SELECT 1 FROM actions WHERE image_id = image_drafts.id AND outcome IS NULL)
      FROM image_drafts WHERE owner = ${project}
      UNION ALL
      SELECT size, false, true, false FROM export_data WHERE owner = ${project}
    ) counted`.execute(queries);
  const row = rows[0]!;
  return {
    image_size_total: Number(row.bytes) / 2 ** 20,
    image_stage_total: Number(row.staged) / 2 ** 20,
    image_count_total: Number(row.images),
    image_count_uploading: Number(row.uploading),
  };
}
