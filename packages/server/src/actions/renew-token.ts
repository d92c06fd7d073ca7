/** A new request of the owner's brings a new token: work that shows it to others goes on, or is taken back, with that. */
import { replaceField } from '../flows/flow-records.ts';
import type { Caller } from '../identity/caller.ts';
import type { Action } from '../images/action.ts';
import type { ActionParts } from './parts.ts';

/** `token` of the caller, as it came. Another project's is not used in the owner's name. */
export async function renewToken(
  { database }: Pick<ActionParts, 'database'>,
  caller: Caller,
  { id, type, owner }: Pick<Action, 'id' | 'type' | 'owner'>,
  token: string | null,
): Promise<void> {
  if (type !== 'clone' || token === null || caller.projectId !== owner) return;
  await replaceField(database.db, id, 'token', token);
}
