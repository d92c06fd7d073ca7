/** What every verb of this folder begins with: an image that the caller sees and that is shared at all. */
import { Failure } from '../base/failure.ts';
import type { Queries } from '../database/queries.ts';
import type { Caller } from '../identity/caller.ts';
import type { Image } from '../images/image.ts';
import { lockVisible, type Visible } from '../images/image-records.ts';
import type { ImageParts } from '../images/parts.ts';

export type MemberParts = Pick<ImageParts, 'database' | 'policy'>;

/** Locks the image's row, so that sharing and a change of visibility do not cross. Fails with image_not_found or not_shared. */
export async function lockShared(
  queries: Queries,
  parts: MemberParts,
  caller: Caller,
  id: string,
): Promise<Visible> {
  const found = await lockVisible(queries, parts.policy, caller, id);
  if (found.image.visibility !== 'shared')
    throw new Failure(
      'not_shared',
      `Image ${found.image.id} is ${found.image.visibility}; only shared images have members.`,
    );
  return found;
}

export function memberNotFound(image: Image, member: string): Failure {
  return new Failure(
    'member_not_found',
    `Image ${image.id} is not shared with project ${member.slice(0, 255)}.`,
  );
}

/** The project whose membership the caller may look at: null for all of them. */
export function viewOf(parts: MemberParts, caller: Caller, image: Image): string | null {
  return image.owner === caller.projectId || parts.policy.isAdmin(caller) ? null : caller.projectId;
}
