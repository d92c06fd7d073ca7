/** POST /v2/images/{id}/members: share an image with a project, which still has to accept. */
import { Failure } from '../base/failure.ts';
import { currentTime } from '../database/clock.ts';
import { recordEvent } from '../events/event-records.ts';
import type { Caller } from '../identity/caller.ts';
import { memberEvent } from './member-event.ts';
import { countMembers, insertMember, type Member } from './member-records.ts';
import { lockShared, type MemberParts } from './shared-image.ts';

export interface AddMemberInput {
  readonly id: string;
  /** Project id. */
  readonly member: string;
  /** Below zero: no limit. */
  readonly maxMembers: number;
}

export async function addMember(parts: MemberParts, caller: Caller, input: AddMemberInput): Promise<Member> {
  return await parts.database.transaction(async (queries) => {
    const { image, target } = await lockShared(queries, parts, caller, input.id);
    parts.policy.require('add_member', caller, target);
    const count = await countMembers(queries, image.id);
    if (input.maxMembers >= 0 && count >= input.maxMembers)
      throw new Failure(
        'quota_members',
        `An image may have ${input.maxMembers} members; this one has ${count}.`,
      );

    const now = currentTime();
    const member: Member = {
      image_id: image.id,
      member: input.member,
      status: 'pending',
      created_at: now,
      updated_at: now,
    };
    if (!(await insertMember(queries, member)))
      throw new Failure('member_exists', `Image ${image.id} is already shared with project ${input.member}.`);
    await recordEvent(queries, memberEvent('image.member.create', image, member));
    return member;
  });
}
