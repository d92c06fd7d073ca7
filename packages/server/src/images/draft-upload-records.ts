/** The data of a draft that its owner sends: begun before the first byte, and the draft's when it is whole. */
import { Failure } from '../base/failure.ts';
import type { Database } from '../database/connect.ts';
import type { Queries } from '../database/queries.ts';
import { lockDraft, updateDraft } from './draft-records.ts';
import { recordFetched } from './fetched-records.ts';
import { stagedParts } from './staged-records.ts';
import { addUpload, takeUpload, type Upload } from './upload-records.ts';

/** Fails with image_deleted, with status_conflict when its data is there or on its way, or as `check` in the same transaction. */
export async function insertDraftUpload(
  database: Database,
  upload: Upload,
  check: (queries: Queries) => Promise<void>,
): Promise<void> {
  await database.transaction(async (queries) => {
    if ((await lockDraft(queries, upload.image_id)) === undefined) throw forgotten();
    if ((await beingUploaded(queries, [upload.image_id])).size > 0)
      throw new Failure('status_conflict', 'The data of this import is being uploaded already.');
    if ((await stagedParts(queries, upload.image_id)).length > 0)
      throw new Failure('status_conflict', 'This import has its data.');
    await check(queries);
    await addUpload(queries, upload);
  });
}

/** Which of these images have data on its way to them. */
export async function beingUploaded(queries: Queries, imageIds: readonly string[]): Promise<Set<string>> {
  if (imageIds.length === 0) return new Set();
  const query = queries.selectFrom('uploads').select('image_id').where('image_id', 'in', imageIds);
  return new Set((await query.execute()).map(({ image_id }) => image_id));
}

/**
 * The data is whole: `begin` is what goes on with it. Fails, with nothing changed, with image_deleted, with interrupted
 * when somebody else has ended the upload, or as `check` and `begin` in the same transaction.
 */
export async function recordDraftData(
  database: Database,
  { id, image_id, key }: Upload,
  size: number,
  check: (queries: Queries) => Promise<void>,
  begin: (queries: Queries) => Promise<void>,
): Promise<void> {
  await database.transaction(async (queries) => {
    await takeUpload(queries, id);
    const draft = await lockDraft(queries, image_id);
    if (draft === undefined) throw forgotten();
    await check(queries);
    await updateDraft(queries, { ...draft, size });
    await recordFetched(queries, image_id, { key, first: 0, size, total: size, validator: null });
    await begin(queries);
  });
}

function forgotten(): Failure {
  return new Failure('image_deleted', 'The import was forgotten or cancelled during the upload.');
}
