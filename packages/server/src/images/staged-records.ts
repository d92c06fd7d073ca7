/** Staged data: where it waits, and that it goes when it is not wanted any more. */
import { sql } from 'kysely';
import { Failure } from '../base/failure.ts';
import { currentTime } from '../database/clock.ts';
import type { Database } from '../database/connect.ts';
import { executePrepared } from '../database/prepared.ts';
import type { Queries } from '../database/queries.ts';
import { recordEvent } from '../events/event-records.ts';
import { doomTaken, type Location } from '../locations/location-records.ts';
import { stagingStoreId } from '../stores/registry.ts';
import { imageEvent } from './image-event.ts';
import { recordStagedSize } from './image-records.ts';
import { deleteTask } from './task-records.ts';
import { takeUpload, type Upload } from './upload-records.ts';

export interface StagedPart {
  readonly key: string;
  /** Position of its first byte in the whole. */
  readonly first: number;
  /** Bytes. */
  readonly size: number;
}

/** Fails, with nothing changed, with image_deleted, or with interrupted when somebody else has ended the upload. */
export async function recordStaged(
  database: Database,
  { id, image_id, key }: Upload,
  size: number,
  check: (queries: Queries) => Promise<void>,
): Promise<void> {
  await database.transaction(async (queries) => {
    await takeUpload(queries, id);
    await check(queries);
    const sized = await recordStagedSize(queries, image_id, size);
    if (sized === undefined)
      throw new Failure('image_deleted', `Image ${image_id} was deleted during the upload.`);
    await queries
      .insertInto('staged_data')
      .values({ image_id, key, size, created_at: currentTime() })
      .execute();
    await recordEvent(queries, imageEvent('image.update', sized));
    // Glance: the tasks of an image name its imports; a staging shows in its status, and only a failed one is told.
    await deleteTask(queries, id);
  });
}

/** In their order; data that a client staged is one part. */
export async function stagedParts(queries: Queries, imageId: string): Promise<StagedPart[]> {
  const query = queries
    .selectFrom('staged_data')
    .select(['key', 'first', 'size'])
    .where('image_id', '=', imageId)
    .orderBy('first');
  return await executePrepared(queries, query);
}

/** Whether bytes that wait for an import are under this key. */
export async function isStaged(queries: Queries, key: string): Promise<boolean> {
  const query = queries.selectFrom('staged_data').select('key').where('key', '=', key);
  return (await query.executeTakeFirst()) !== undefined;
}

/** Marks an image's staged bytes for removal. */
export async function doomStaged(queries: Queries, imageId: string): Promise<Location[]> {
  const taken = sql<{ key: string }>`DELETE FROM staged_data WHERE image_id = ${imageId} RETURNING key`;
  return await doomTaken(queries, { image_id: imageId, store: stagingStoreId }, taken);
}
