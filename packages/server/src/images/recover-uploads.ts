/** Undoes the uploads of processes that died, and those of this one that it could not undo before. */
import { Failure } from '../base/failure.ts';
import { removeBytes } from '../locations/remove-bytes.ts';
import type { ImageParts } from './parts.ts';
import { undoUpload } from './undo-upload.ts';
import { recordedProcesses, revokeUpload, type Upload, uploadsOf } from './upload-records.ts';

type Parts = Pick<ImageParts, 'database' | 'session' | 'stores' | 'uploads' | 'log'>;

/** Resolves with how many uploads were undone. */
export async function recoverUploads(parts: Parts): Promise<number> {
  let undone = await undoLeft(parts);
  for (const process of await recordedProcesses(parts.database)) {
    const recover = async () => {
      for (const upload of await uploadsOf(parts.database, process))
        if (!parts.uploads.has(upload.id)) undone += await interrupt(parts, upload);
    };
    if (process === parts.session.processNumber) await recover();
    else await parts.session.whenDead(process, recover);
  }
  return undone;
}

/** Tries those again whose undoing failed, each for itself: one store may be away longer than the others. */
async function undoLeft(parts: Parts): Promise<number> {
  let undone = 0;
  for (const { upload, failure } of parts.uploads.left) {
    try {
      if ((await undoUpload(parts, upload, failure)) === 'undone') undone += 1;
      parts.uploads.forget(upload.id);
    } catch (err) {
      parts.log.error({ err, image: upload.image_id }, 'an upload could not be undone yet');
    }
  }
  return undone;
}

async function interrupt(parts: Parts, upload: Upload): Promise<number> {
  const failure = new Failure('interrupted', 'The server stopped while the data was arriving: upload again.');
  const doomed = await revokeUpload(parts.database, upload, failure);
  if (doomed === null) return 0;
  parts.log.warn({ image: upload.image_id }, 'an interrupted upload was undone');
  await removeBytes(parts, [doomed]);
  return 1;
}
