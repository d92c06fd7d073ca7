/** PUT /v2/images/{id}/members/{member}: the project that an image is shared with accepts or rejects it. */
import { recordEvent } from '../events/event-records.ts';
import type { Caller } from '../identity/caller.ts';
import { memberEvent } from './member-event.ts';
import { type Member, type MemberStatus, setMemberStatus } from './member-records.ts';
import { lockShared, type MemberParts, memberNotFound, viewOf } from './shared-image.ts';

export interface AnswerInput {
  readonly id: string;
  readonly member: string;
  readonly status: MemberStatus;
}

export async function answerMember(parts: MemberParts, caller: Caller, input: AnswerInput): Promise<Member> {
  return await parts.database.transaction(async (queries) => {
    const { image, target } = await lockShared(queries, parts, caller, input.id);
    const view = viewOf(parts, caller, image);
    if (view !== null && view !== input.member) throw memberNotFound(image, input.member);
    parts.policy.require('modify_member', caller, { ...target, member_id: input.member });
    const member = await setMemberStatus(queries, image.id, input.member, input.status);
    if (member === undefined) throw memberNotFound(image, input.member);
    await recordEvent(queries, memberEvent('image.member.update', image, member));
    return member;
  });
}
