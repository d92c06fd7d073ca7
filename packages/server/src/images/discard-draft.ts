/** Takes away a draft that no flow works on: whoever sends its data is told so. */
import type { Queries } from '../database/queries.ts';
import { notifyIn } from '../database/topics.ts';
import { factsOfFlows } from '../flows/flow-records.ts';
import { doomLocations } from '../locations/location-records.ts';
import type { Action } from './action.ts';
import { imageDeleted } from './delete.ts';
import { deleteDraft, lockDraft } from './draft-records.ts';
import { doomStaged } from './staged-records.ts';

/** False: there is none, or its flow takes it away. Bytes are marked for removal. */
export async function discardDraft(
  queries: Queries,
  { id, image_id }: Pick<Action, 'id' | 'image_id'>,
): Promise<boolean> {
  // Held from here on, so that no flow begins with it.
  if ((await lockDraft(queries, image_id)) === undefined) return false;
  if ((await factsOfFlows(queries, [id])).length > 0) return false;
  await deleteDraft(queries, image_id);
  await doomStaged(queries, image_id);
  await doomLocations(queries, image_id);
  await notifyIn(queries, imageDeleted, { id: image_id });
  return true;
}
