/** The flow of a task of type import: as web-download, but of an import that fails no image stays. */
import { notifyIn } from '../database/topics.ts';
import { recordEvent } from '../events/event-records.ts';
import type { Flow, StepContext, StepFailure } from '../flows/flow.ts';
import { imageDeleted } from '../images/delete.ts';
import { imageDeletion } from '../images/image-event.ts';
import { buryImage, lockImage } from '../images/image-records.ts';
import { doomStaged } from '../images/staged-records.ts';
import { finishTask, taskStatus } from '../images/task-records.ts';
import { doomLocations } from '../locations/location-records.ts';
import { removeBytes } from '../locations/remove-bytes.ts';
import { readBook } from './import-book.ts';
import { importFromWeb } from './import-from-web.ts';
import type { ActionParts } from './parts.ts';
import type { FetchInput } from './steps/fetch-source.ts';

export const taskImport = 'import-task';

export function importTask(parts: ActionParts): Flow<FetchInput> {
  return {
    ...importFromWeb(parts),
    name: taskImport,
    failed: (context, input, failure) => discard(parts, context, input, failure),
  };
}

async function discard(
  parts: ActionParts,
  context: StepContext,
  input: FetchInput,
  { code, message, step }: StepFailure,
): Promise<void> {
  const doomed = await parts.database.transaction(async (queries) => {
    await context.fence(queries);
    if ((await taskStatus(queries, context.flow)) === 'success') return [];
    await finishTask(queries, context.flow, 'failure', message, { error: { code, message, step } });
    const image = await lockImage(queries, input.image);
    if (image?.status !== 'importing' || readBook(image).holder !== context.flow) return [];
    const locations = await doomLocations(queries, image.id);
    locations.push(...(await doomStaged(queries, image.id)));
    await buryImage(queries, image);
    await recordEvent(queries, imageDeletion(image));
    await notifyIn(queries, imageDeleted, { id: image.id });
    return locations;
  });
  await removeBytes(parts, doomed);
}
