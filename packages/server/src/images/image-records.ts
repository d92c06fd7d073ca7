/** Image rows: find what a caller may see, insert, compare-and-set, remove. */
import type { ImageStatus } from '@tintype/contract';
import { sql } from 'kysely';
import { Failure } from '../base/failure.ts';
import { currentTime } from '../database/clock.ts';
import { isUniqueViolation } from '../database/errors.ts';
import { executePrepared } from '../database/prepared.ts';
import type { Queries } from '../database/queries.ts';
import type { Caller } from '../identity/caller.ts';
import type { Target } from '../policy/evaluate.ts';
import { imageTarget, type Policy } from '../policy/policy.ts';
import { type Image, isImageId } from './image.ts';
import { searchTerms } from './search-terms.ts';
import { assertMove } from './status.ts';

const columns = [
  'id',
  'name',
  'status',
  'visibility',
  'protected',
  'os_hidden',
  'owner',
  'disk_format',
  'container_format',
  'min_disk',
  'min_ram',
  'size',
  'virtual_size',
  'checksum',
  'os_hash_algo',
  'os_hash_value',
  'tags',
  'properties',
  'created_at',
  'updated_at',
] as const satisfies readonly (keyof Image)[];

/** The columns that make up an `Image`. */
export const imageColumns = sql.raw(columns.join(', '));

function notFound(id: string): Failure {
  return new Failure('image_not_found', `No image found with ID ${id.slice(0, 255)}`);
}

/** An image that the caller may see, and what policy rules can ask about it. */
export interface Visible {
  readonly image: Image;
  readonly target: Target;
}

/** What says who may see an image. */
export interface Seen extends Pick<Image, 'owner' | 'visibility' | 'status'> {
  /** As `membershipOf` has it. */
  readonly member: string | null;
}

/**
 * Own, open to all, shared with the caller, or without owner; administrators see everything, and alone what is
 * pending_delete. The rules of policy may still refuse it.
 */
export function isSeen(policy: Policy, caller: Caller, { owner, visibility, status, member }: Seen): boolean {
  if (status === 'pending_delete') return policy.isAdmin(caller);
  if (owner === null || visibility === 'public' || visibility === 'community') return true;
  const isShared = visibility === 'shared' && member !== null;
  return (caller.projectId !== null && owner === caller.projectId) || isShared || policy.isAdmin(caller);
}

/** The caller's project if the image is or was shared with that, accepted or not. */
export function membershipOf(caller: Caller) {
  return sql`SELECT member FROM image_members WHERE image_id = images.id AND member = ${caller.projectId}`;
}

interface Found {
  readonly image: Image;
  readonly member: string | null;
}

async function selectImage(
  queries: Queries,
  caller: Caller,
  id: string,
  lock: boolean,
): Promise<Found | undefined> {
  if (!isImageId(id)) return undefined;
  const found = sql`SELECT ${imageColumns}, (${membershipOf(caller)}) AS member FROM images WHERE id = ${id}`;
  const query = sql<Image & { member: string | null }>`${found}${lock ? sql` FOR UPDATE` : sql``}`;
  const [row] = await executePrepared(queries, query);
  if (row === undefined) return undefined;
  const { member, ...image } = row;
  return { image, member };
}

/** Fails with image_not_found unless something was found and the caller may see it. */
export function requireVisible(
  policy: Policy,
  caller: Caller,
  id: string,
  found: Found | undefined,
): Visible {
  if (found === undefined) throw notFound(id);
  const { image } = found;
  const { owner, visibility, status } = image;
  const member = visibility === 'shared' ? found.member : null;
  const isOwn = owner !== null && owner === caller.projectId;
  const target = { ...imageTarget(image), member_id: isOwn ? null : member };
  const seen = isSeen(policy, caller, { owner, visibility, status, member });
  if (!seen || !policy.isAllowed('get_image', caller, target)) throw notFound(id);
  return { image, target };
}

/** Fails with image_not_found unless the image is there and the caller may see it. */
export async function findVisible(
  queries: Queries,
  policy: Policy,
  caller: Caller,
  id: string,
): Promise<Visible> {
  return requireVisible(policy, caller, id, await selectImage(queries, caller, id, false));
}

/** As `findVisible`, and no other transaction changes the row until this one ends. */
export async function lockVisible(
  queries: Queries,
  policy: Policy,
  caller: Caller,
  id: string,
): Promise<Visible> {
  return requireVisible(policy, caller, id, await selectImage(queries, caller, id, true));
}

/** Whoever asks. */
export async function findImage(queries: Queries, id: string): Promise<Image | undefined> {
  const [row] = await executePrepared(
    queries,
    sql<Image>`SELECT ${imageColumns} FROM images WHERE id = ${id}`,
  );
  return row;
}

/** As `findImage`, and no other transaction changes the row until this one ends. */
export async function lockImage(queries: Queries, id: string): Promise<Image | undefined> {
  const query = sql<Image>`SELECT ${imageColumns} FROM images WHERE id = ${id} FOR UPDATE`;
  const [row] = await executePrepared(queries, query);
  return row;
}

/** Fails with image_exists when the id is in use or ever was. */
export async function addImage(queries: Queries, image: Image): Promise<void> {
  const taken = new Failure('image_exists', `Image ID ${image.id} already exists or existed before.`);
  const search_terms = searchTerms(image);
  await queries
    .insertInto('images')
    .values({ ...image, properties: JSON.stringify(image.properties), search_terms })
    .execute()
    .catch((error: unknown) => {
      throw isUniqueViolation(error) ? taken : error;
    });
  // Looked up after the insert: a deletion that ran at the same time has committed its tombstone by now.
  const tomb = await queries
    .selectFrom('image_tombstones')
    .select('id')
    .where('id', '=', image.id)
    .executeTakeFirst();
  if (tomb !== undefined) throw taken;
}

/** Writes what a client may change; the row is locked by the caller's transaction. False when there is none. */
export async function updateImage(queries: Queries, image: Image): Promise<boolean> {
  const { id, created_at: _created, status: _status, ...rest } = image;
  const update = queries
    .updateTable('images')
    .set({
      ...rest,
      properties: JSON.stringify(image.properties),
      search_terms: searchTerms(image),
    })
    .where('id', '=', id)
    .returning('id');
  return (await executePrepared(queries, update)).length > 0;
}

/** What an activation learns about the data. */
export type DataFacts = Pick<Image, 'size' | 'virtual_size' | 'checksum' | 'os_hash_algo' | 'os_hash_value'>;

export const noData: DataFacts = {
  size: null,
  virtual_size: null,
  checksum: null,
  os_hash_algo: null,
  os_hash_value: null,
};

/** Moves the status if it is still `from`: the image afterwards; undefined when it is not (or the image is gone). */
export async function moveStatus(
  queries: Queries,
  id: string,
  from: ImageStatus,
  to: ImageStatus,
  facts: Partial<DataFacts> = {},
): Promise<Image | undefined> {
  assertMove(from, to);
  const move = queries
    .updateTable('images')
    .set({ ...facts, status: to, updated_at: currentTime() })
    .where('id', '=', id)
    .where('status', '=', from)
    .returning(columns)
    .$castTo<Image>();
  const [moved] = await executePrepared(queries, move);
  return moved;
}

/** As `updateImage` and `moveStatus`, in one: the image afterwards; undefined when it is not `from` any more (or gone). */
export async function updateAndMove(
  queries: Queries,
  image: Image,
  from: ImageStatus,
  to: ImageStatus,
): Promise<Image | undefined> {
  assertMove(from, to);
  const { id, created_at: _created, ...rest } = { ...image, status: to };
  const change = queries
    .updateTable('images')
    .set({
      ...rest,
      properties: JSON.stringify(image.properties),
      search_terms: searchTerms(image),
    })
    .where('id', '=', id)
    .where('status', '=', from)
    .returning('id');
  const changed = await executePrepared(queries, change);
  return changed.length === 0 ? undefined : { ...image, status: to };
}

/** Data of this size is staged: the image afterwards; undefined when it is not uploading any more. */
export async function recordStagedSize(
  queries: Queries,
  id: string,
  size: number,
): Promise<Image | undefined> {
  return await queries
    .updateTable('images')
    .set({ size, updated_at: currentTime() })
    .where('id', '=', id)
    .where('status', '=', 'uploading')
    .returning(columns)
    .$castTo<Image>()
    .executeTakeFirst();
}

/** Adds what was not known of the data before: the image afterwards. */
export async function recordFacts(queries: Queries, image: Image, facts: DataFacts): Promise<Image> {
  const { size, virtual_size, checksum, os_hash_algo, os_hash_value } = image;
  const known = Object.entries({ size, virtual_size, checksum, os_hash_algo, os_hash_value });
  const kept = Object.fromEntries(known.filter(([, value]) => value !== null));
  const changed = { ...facts, ...kept, updated_at: currentTime() };
  await queries.updateTable('images').set(changed).where('id', '=', image.id).execute();
  return { ...image, ...changed };
}

/** active → pending_delete, remembering since when. */
export async function setAside(queries: Queries, id: string): Promise<void> {
  await moveStatus(queries, id, 'active', 'pending_delete');
  await queries.updateTable('images').set({ deleted_at: sql`now()` }).where('id', '=', id).execute();
}

/** Ids of images that have been pending_delete for `ms`, by the database's clock, longest first; only `id` if given. */
export async function deletedLongAgo(
  queries: Queries,
  ms: number,
  most: number,
  id: string | null = null,
): Promise<string[]> {
  let query = queries
    .selectFrom('images')
    .select('id')
    .where('status', '=', 'pending_delete')
    .where(sql<boolean>`deleted_at <= now() - ${ms} * interval '1 millisecond'`);
  if (id !== null) query = query.where('id', '=', id);
  const rows = await query.orderBy('deleted_at').limit(most).execute();
  return rows.map((row) => row.id);
}

/** Something about the image has changed that is not in its row: the image afterwards. */
export async function touchImage(queries: Queries, id: string): Promise<Image | undefined> {
  return await queries
    .updateTable('images')
    .set({ updated_at: currentTime() })
    .where('id', '=', id)
    .returning(columns)
    .$castTo<Image>()
    .executeTakeFirst();
}

/** Puts a tombstone in the row's place. */
export async function buryImage(queries: Queries, image: Image): Promise<void> {
  await queries.deleteFrom('images').where('id', '=', image.id).execute();
  await queries
    .insertInto('image_tombstones')
    .values({ id: image.id, owner: image.owner, deleted_at: currentTime() })
    .execute();
}
