/** Which projects images are shared with. */
import { isStorable } from '../base/text.ts';
import { currentTime } from '../database/clock.ts';
import { isUniqueViolation } from '../database/errors.ts';
import type { Queries } from '../database/queries.ts';

export type MemberStatus = 'pending' | 'accepted' | 'rejected';

export interface Member {
  readonly image_id: string;
  /** Project id. */
  readonly member: string;
  readonly status: MemberStatus;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** False when the image is shared with this project already. */
export async function insertMember(queries: Queries, member: Member): Promise<boolean> {
  try {
    await queries.insertInto('image_members').values(member).execute();
    return true;
  } catch (error) {
    if (isUniqueViolation(error)) return false;
    throw error;
  }
}

export async function countMembers(queries: Queries, imageId: string): Promise<number> {
  const row = await queries
    .selectFrom('image_members')
    .select((count) => count.fn.countAll<number>().as('count'))
    .where('image_id', '=', imageId)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** Oldest first; only `member` when it is given. */
export async function membersOf(queries: Queries, imageId: string, member: string | null): Promise<Member[]> {
  if (member !== null && !isStorable(member)) return [];
  let query = queries.selectFrom('image_members').selectAll().where('image_id', '=', imageId);
  if (member !== null) query = query.where('member', '=', member);
  return await query.orderBy('created_at').orderBy('member').execute();
}

/** The member afterwards; undefined when there is none. */
export async function setMemberStatus(
  queries: Queries,
  imageId: string,
  member: string,
  status: MemberStatus,
): Promise<Member | undefined> {
  if (!isStorable(member)) return undefined;
  return await queries
    .updateTable('image_members')
    .set({ status, updated_at: currentTime() })
    .where('image_id', '=', imageId)
    .where('member', '=', member)
    .returningAll()
    .executeTakeFirst();
}

/** The member as it was; undefined when there is none. */
export async function deleteMember(
  queries: Queries,
  imageId: string,
  member: string,
): Promise<Member | undefined> {
  if (!isStorable(member)) return undefined;
  return await queries
    .deleteFrom('image_members')
    .where('image_id', '=', imageId)
    .where('member', '=', member)
    .returningAll()
    .executeTakeFirst();
}
