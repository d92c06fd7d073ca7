/** The bookkeeping of imports on the image itself: who holds it, which stores are to come, which have failed. */
import { Failure } from '../base/failure.ts';
import { currentTime } from '../database/clock.ts';
import type { Queries } from '../database/queries.ts';
import type { StepContext } from '../flows/flow.ts';
import { lockDraft, updateDraft } from '../images/draft-records.ts';
import type { Image, Properties } from '../images/image.ts';
import { lockImage, updateImage } from '../images/image-records.ts';
import type { ActionParts } from './parts.ts';

const holder = 'os_glance_import_task';
const importing = 'os_glance_importing_to_stores';
const failed = 'os_glance_failed_import';

export interface Book {
  /** Id of the flow that holds the image; null: nobody does. */
  readonly holder: string | null;
  readonly importing: readonly string[];
  readonly failed: readonly string[];
}

export function readBook({ properties }: Image): Book {
  const list = (name: string) => (properties[name] ?? '').split(',').filter((store) => store !== '');
  return { holder: properties[holder] ?? null, importing: list(importing), failed: list(failed) };
}

/** The image with this book. The lists stay, empty, when all is over: clients look whether there is anything in them. */
export function withBook(image: Image, book: Book): Image {
  const properties: Properties = { ...image.properties };
  properties[importing] = book.importing.join(',');
  properties[failed] = book.failed.join(',');
  if (book.holder === null) delete properties[holder];
  else properties[holder] = book.holder;
  return { ...image, properties, updated_at: currentTime() };
}

/** The image afterwards. */
export async function writeBook(queries: Queries, image: Image, book: Book): Promise<Image> {
  const after = withBook(image, book);
  if (!(await updateImage(queries, after))) await updateDraft(queries, after);
  return after;
}

/** Without what only this book was for. */
export function withoutBook({
  [holder]: _h,
  [importing]: _i,
  [failed]: _f,
  ...rest
}: Properties): Properties {
  return rest;
}

/**
 * One transaction of a step on the image that its flow holds, or on the draft of one that is to be. Fails with image_deleted when that is gone, or
 * image_busy when another import has taken it over.
 */
export async function onHeldImage<T>(
  parts: Pick<ActionParts, 'database'>,
  context: StepContext,
  imageId: string,
  work: (queries: Queries, image: Image, book: Book, isDraft: boolean) => Promise<T>,
): Promise<T> {
  return await parts.database.transaction(async (queries) => {
    await context.fence(queries);
    const known = await lockImage(queries, imageId);
    const image = known ?? (await lockDraft(queries, imageId));
    if (image === undefined)
      throw new Failure('image_deleted', `Image ${imageId} was deleted during the import.`);
    const book = readBook(image);
    if (book.holder !== context.flow)
      throw new Failure('image_busy', `Another import has taken over image ${imageId}.`);
    return await work(queries, image, book, known === undefined);
  });
}
