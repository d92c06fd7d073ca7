/** Why callers see images in their lists (API section 7), as far as it is not in the hands of policy. */
import type { Visibility } from '@tintype/contract';
import type { ListFilter } from './list-query.ts';

/** Whose list it is. */
export interface Viewer {
  readonly projectId: string | null;
  readonly isAdmin: boolean;
}

/**
 * Images are visible because they have this owner, this visibility, both, or because they are shared with this
 * member, which has answered so; for an empty reason: all are.
 */
export interface Reason {
  readonly owner?: string;
  readonly visibility?: Visibility;
  readonly member?: string;
  readonly answer?: ListFilter['memberStatus'];
}

/** The reasons for which this caller sees images, of those with the visibility asked for. */
export function reasonsOf(
  { projectId, isAdmin }: Viewer,
  { visibility, memberStatus }: ListFilter,
): Reason[] {
  if (isAdmin) return [visibility === null || visibility === 'all' ? {} : { visibility }];
  const own = projectId === null ? [] : [{ owner: projectId }];
  const shared =
    projectId === null ? [] : [{ visibility: 'shared', member: projectId, answer: memberStatus } as const];
  switch (visibility) {
    case null:
      return [...own, { visibility: 'public' }, ...shared];
    case 'all':
      return [...own, { visibility: 'public' }, { visibility: 'community' }, ...shared];
    case 'public':
    case 'community':
      return [{ visibility }];
    case 'shared':
      return [...own.map((mine) => ({ ...mine, visibility })), ...shared];
    case 'private':
      return own.map((mine) => ({ ...mine, visibility }));
  }
}
