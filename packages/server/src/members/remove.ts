/** DELETE /v2/images/{id}/members/{member}: the owner ends the sharing with a project. */
import { recordEvent } from '../events/event-records.ts';
import type { Caller } from '../identity/caller.ts';
import { memberEvent } from './member-event.ts';
import { deleteMember } from './member-records.ts';
import { lockShared, type MemberParts, memberNotFound } from './shared-image.ts';

export async function removeMember(
  parts: MemberParts,
  caller: Caller,
  id: string,
  member: string,
): Promise<void> {
  await parts.database.transaction(async (queries) => {
    const { image, target } = await lockShared(queries, parts, caller, id);
    parts.policy.require('delete_member', caller, target);
    const removed = await deleteMember(queries, image.id, member);
    if (removed === undefined) throw memberNotFound(image, member);
    await recordEvent(queries, memberEvent('image.member.delete', image, removed));
  });
}
