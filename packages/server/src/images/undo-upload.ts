/** Takes back an upload that failed: the image queued again with the reason told, and no bytes left. */
import type { Failure } from '../base/failure.ts';
import { holdsData } from '../locations/location-records.ts';
import { removeBytes } from '../locations/remove-bytes.ts';
import type { ImageParts } from './parts.ts';
import { isStaged } from './staged-records.ts';
import { revokeUpload, type Upload } from './upload-records.ts';

/**
 * `undone`: by this call. `kept`: it had succeeded, only the database's answer got lost; its bytes stay.
 * `gone`: somebody else had ended it, and what this process wrote since is removed. Fails when the database or
 * the store cannot be reached: nothing is decided then, and the call may be repeated.
 */
export async function undoUpload(
  parts: Pick<ImageParts, 'database' | 'stores' | 'log'>,
  upload: Upload,
  failure: Failure,
): Promise<'undone' | 'kept' | 'gone'> {
  const doomed = await revokeUpload(parts.database, upload, failure);
  if (doomed !== null) {
    await removeBytes(parts, [doomed]);
    return 'undone';
  }
  const { db } = parts.database;
  if ((await holdsData(db, upload.store, upload.key)) || (await isStaged(db, upload.key))) return 'kept';
  await parts.stores.holding(upload.store)?.delete(upload.key);
  return 'gone';
}
