/** Uploads and stagings in the database: begun before the first byte, gone with the last word. */
import { Failure } from '../base/failure.ts';
import { currentTime } from '../database/clock.ts';
import type { Database } from '../database/connect.ts';
import type { Queries } from '../database/queries.ts';
import { recordEvent, recordEvents } from '../events/event-records.ts';
import type { Caller } from '../identity/caller.ts';
import { insertLocation, type Location } from '../locations/location-records.ts';
import { stagingStoreId } from '../stores/registry.ts';
import type { Image } from './image.ts';
import { dataEvent, failedUpload, imageEvent } from './image-event.ts';
import { type DataFacts, moveStatus, noData } from './image-records.ts';
import { finishTask, insertTask } from './task-records.ts';

/** Bytes on their way to `key` in `store`; the id is also that of its task. */
export interface Upload {
  readonly id: string;
  readonly image_id: string;
  readonly process: number;
  readonly store: string;
  readonly key: string;
}

const columns = ['id', 'image_id', 'process', 'store', 'key'] as const;

function isStaging({ store }: Pick<Upload, 'store'>): boolean {
  return store === stagingStoreId;
}

/** The status of an image while this upload is under way. */
function statusDuring(upload: Pick<Upload, 'store'>): 'saving' | 'uploading' {
  return isStaging(upload) ? 'uploading' : 'saving';
}

/**
 * queued → saving or uploading with upload and task, or false when the image is not queued. Fails with what `check` in the same
 * transaction fails with.
 */
export async function insertUpload(
  database: Database,
  upload: Upload,
  image: Image,
  caller: Caller,
  requestId: string,
  check: (queries: Queries) => Promise<void>,
): Promise<boolean> {
  return await database.transaction(async (queries) => {
    await check(queries);
    const begun = await moveStatus(queries, image.id, 'queued', statusDuring(upload));
    if (begun === undefined) return false;
    await recordEvent(
      queries,
      isStaging(upload) ? imageEvent('image.update', begun) : dataEvent('image.prepare', begun, upload.store),
    );
    await addUpload(queries, upload);
    await insertTask(queries, {
      id: upload.id,
      type: 'upload',
      owner: image.owner,
      image_id: image.id,
      user_id: caller.userId,
      request_id: requestId,
      input: isStaging(upload) ? {} : { backend: [upload.store] },
      message: 'Receiving the data',
    });
    return true;
  });
}

/** Fails with unavailable when another process has judged this one dead. */
export async function addUpload(queries: Queries, upload: Upload): Promise<void> {
  await requireRecorded(queries, upload.process);
  await queries
    .insertInto('uploads')
    .values({ ...upload, started_at: currentTime() })
    .execute();
}

/** Another process may have judged us dead and cleared up: nothing may be begun under the old number then. */
async function requireRecorded(queries: Queries, process: number): Promise<void> {
  const query = queries.selectFrom('processes').select('number').where('number', '=', process).forKeyShare();
  if ((await query.executeTakeFirst()) === undefined)
    throw new Failure(
      'unavailable',
      'This server is just coming back to its database: upload again in a moment.',
    );
}

/** Takes the upload's row away; only one taker ever succeeds, so only one decides how the upload ended. */
async function tryTake(queries: Queries, id: string): Promise<Upload | undefined> {
  return await queries.deleteFrom('uploads').where('id', '=', id).returning(columns).executeTakeFirst();
}

/** Fails with interrupted when somebody else has ended the upload. */
export async function takeUpload(queries: Queries, id: string): Promise<void> {
  if ((await tryTake(queries, id)) === undefined)
    throw new Failure('interrupted', 'The upload was given up because its server seemed dead: upload again.');
}

/**
 * saving → active with location and task. Fails, with nothing changed, with image_deleted, or with
 * interrupted when somebody else has ended the upload.
 */
export async function activateUpload(
  database: Database,
  upload: Upload,
  facts: DataFacts,
  check: (queries: Queries) => Promise<void>,
): Promise<void> {
  const { id, image_id, store, key } = upload;
  await database.transaction(async (queries) => {
    await takeUpload(queries, id);
    await check(queries);
    const active = await moveStatus(queries, image_id, 'saving', 'active', facts);
    if (active === undefined)
      throw new Failure('image_deleted', `Image ${image_id} was deleted during the upload.`);
    if (facts.size !== 0) await insertLocation(queries, { image_id, store, key }, 'active');
    await finishTask(queries, id, 'success', `Received ${facts.size} bytes`);
    const events = [dataEvent('image.upload', active, store), imageEvent('image.activate', active)];
    await recordEvents(queries, events);
  });
}

/**
 * Back to queued with the reason in the task, and the bytes doomed: what has to be removed now.
 * Null when the upload was ended by somebody else, who owns its bytes.
 */
export async function revokeUpload(
  database: Database,
  upload: Upload,
  failure: Failure,
): Promise<Location | null> {
  return await database.transaction(async (queries) => {
    const taken = await tryTake(queries, upload.id);
    if (taken === undefined) return null;
    const queued = await moveStatus(queries, taken.image_id, statusDuring(taken), 'queued', noData);
    if (queued !== undefined) {
      const told = isStaging(taken) ? [] : [failedUpload(queued, failure)];
      await recordEvents(queries, [...told, imageEvent('image.update', queued)]);
    }
    const result = { error: { code: failure.code, message: failure.message } };
    await finishTask(queries, taken.id, 'failure', failure.message, result);
    return await insertLocation(
      queries,
      { image_id: taken.image_id, store: taken.store, key: taken.key },
      'pending_delete',
    );
  });
}

/** Uploads begun by this process. */
export async function uploadsOf(database: Database, process: number): Promise<Upload[]> {
  return await database.db.selectFrom('uploads').select(columns).where('process', '=', process).execute();
}

/** Every process that is on record or has an upload under way, dead or alive. */
export async function recordedProcesses(database: Database): Promise<number[]> {
  const rows = await database.db
    .selectFrom('processes')
    .select('number')
    .union(database.db.selectFrom('uploads').select('process as number'))
    .execute();
  return rows.map(({ number }) => number);
}
