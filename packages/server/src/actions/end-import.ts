/** The last word on an import that failed: the reason in its task, the image free again, and queued if it was importing. */
import { Failure } from '../base/failure.ts';
import { recordEvent } from '../events/event-records.ts';
import type { StepContext, StepFailure } from '../flows/flow.ts';
import { imageEvent } from '../images/image-event.ts';
import { lockImage, moveStatus, noData } from '../images/image-records.ts';
import { doomStaged } from '../images/staged-records.ts';
import { finishTask, taskStatus } from '../images/task-records.ts';
import { removeBytes } from '../locations/remove-bytes.ts';
import { readBook, writeBook } from './import-book.ts';
import type { ActionParts } from './parts.ts';

export async function endImport(
  parts: ActionParts,
  context: StepContext,
  imageId: string,
  failure: StepFailure,
): Promise<void> {
  const doomed = await parts.database.transaction(async (queries) => {
    await context.fence(queries);
    if ((await taskStatus(queries, context.flow)) === 'success') return [];
    const image = await lockImage(queries, imageId);
    const told =
      image === undefined
        ? new Failure('image_deleted', `Image ${imageId} was deleted during the import.`)
        : failure;
    const { code, message } = told;
    await finishTask(queries, context.flow, 'failure', message, {
      error: { code, message, step: failure.step },
    });
    if (image === undefined) return [];
    const book = readBook(image);
    if (book.holder !== context.flow) return [];
    const freed = await writeBook(queries, image, { ...book, holder: null, importing: [] });
    // Of a copy the image stays what it is.
    const isImporting = image.status === 'importing';
    const after = isImporting ? await moveStatus(queries, imageId, 'importing', 'queued', noData) : freed;
    await recordEvent(queries, imageEvent('image.update', after!));
    if (!isImporting) return [];
    return await doomStaged(queries, imageId);
  });
  await removeBytes(parts, doomed);
}
