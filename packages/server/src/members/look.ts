/** GET /v2/images/{id}/members and …/{member}: the owner sees all, a member sees itself. */
import type { Caller } from '../identity/caller.ts';
import { type Member, membersOf } from './member-records.ts';
import { lockShared, type MemberParts, memberNotFound, viewOf } from './shared-image.ts';

export async function listMembers(parts: MemberParts, caller: Caller, id: string): Promise<Member[]> {
  return await parts.database.transaction(async (queries) => {
    const { image, target } = await lockShared(queries, parts, caller, id);
    parts.policy.require('get_members', caller, target);
    return await membersOf(queries, image.id, viewOf(parts, caller, image));
  });
}

export async function showMember(
  parts: MemberParts,
  caller: Caller,
  id: string,
  member: string,
): Promise<Member> {
  return await parts.database.transaction(async (queries) => {
    const { image, target } = await lockShared(queries, parts, caller, id);
    parts.policy.require('get_member', caller, target);
    const view = viewOf(parts, caller, image);
    const [found] = view === null || view === member ? await membersOf(queries, image.id, member) : [];
    if (found === undefined) throw memberNotFound(image, member);
    return found;
  });
}
