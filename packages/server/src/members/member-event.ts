/** What others are told of a member of an image: the fields are those of the reference's notifications. */
import { seconds } from '../base/time.ts';
import { currentTime } from '../database/clock.ts';
import { deletedAt, type NewEvent } from '../events/event.ts';
import type { Image } from '../images/image.ts';
import type { Member } from './member-records.ts';

export function memberEvent(
  type: 'image.member.create' | 'image.member.update' | 'image.member.delete',
  image: Image,
  member: Member,
): NewEvent {
  const payload = {
    image_id: image.id,
    member_id: member.member,
    status: member.status,
    created_at: seconds(member.created_at),
    updated_at: seconds(member.updated_at),
    deleted: false,
    deleted_at: null,
    ...(type === 'image.member.delete' ? deletedAt(seconds(currentTime())) : {}),
  };
  return { type, priority: 'info', project: image.owner, imageId: image.id, payload };
}
