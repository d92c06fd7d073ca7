/** Images that come to be with their data: until then no list and no id leads to them. */
import type { Queries } from '../database/queries.ts';
import type { Image } from './image.ts';

/** Its id has to be one that nobody else could think of. */
export async function insertDraft(queries: Queries, image: Image): Promise<void> {
  await queries
    .insertInto('image_drafts')
    .values({ id: image.id, ...rowOf(image) })
    .execute();
}

export async function findDraft(queries: Queries, id: string): Promise<Image | undefined> {
  return draftOf(await draftRow(queries, id).executeTakeFirst());
}

/** No other transaction changes it until this one ends. */
export async function lockDraft(queries: Queries, id: string): Promise<Image | undefined> {
  return draftOf(await draftRow(queries, id).forUpdate().executeTakeFirst());
}

function draftRow(queries: Queries, id: string) {
  return queries.selectFrom('image_drafts').select('record').where('id', '=', id);
}

function draftOf(row: { readonly record: object } | undefined): Image | undefined {
  if (row === undefined) return undefined;
  const record = row.record as Image;
  return {
    ...record,
    created_at: new Date(record.created_at),
    updated_at: new Date(record.updated_at),
  };
}

export async function updateDraft(queries: Queries, image: Image): Promise<void> {
  await queries.updateTable('image_drafts').set(rowOf(image)).where('id', '=', image.id).execute();
}

/** False when there is none. */
export async function deleteDraft(queries: Queries, id: string): Promise<boolean> {
  const done = await queries.deleteFrom('image_drafts').where('id', '=', id).executeTakeFirst();
  return done.numDeletedRows > 0n;
}

function rowOf(image: Image) {
  const { owner, size } = image;
  return { owner, size, record: JSON.stringify(image) };
}
