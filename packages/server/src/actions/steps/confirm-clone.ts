/** The last step of a clone: what is there has the digest of what is here, and only then it has succeeded. */
import type { CloneTarget } from '@tintype/contract';
import { Failure } from '../../base/failure.ts';
import type { Step } from '../../flows/flow.ts';
import { findAction, finishAction, lockAction } from '../../images/action-records.ts';
import type { StoredThere } from '../other-region.ts';
import type { ActionParts } from '../parts.ts';
import { type CloneInput, differenceOf, regionOf, type Sent, sendName } from './send-clone.ts';

export const confirmName = 'confirm';

export function confirmClone(parts: ActionParts): Step<CloneInput> {
  return {
    name: confirmName,
    decisive: true,
    async do(context, input) {
      if ((await findAction(parts.database.db, context.flow))?.outcome === 'success') return;
      const sent = context.resultOf<Sent>(sendName)!;
      const { region } = input.to;
      const found = await regionOf(parts, input).find(sent.id, context.signal);
      const { status: _, ...facts } = confirmed(region, sent, found);
      const target: CloneTarget = { region, image_ref: `/v2/images/${sent.id}`, ...facts };
      await parts.database.transaction(async (queries) => {
        await context.fence(queries);
        const action = await lockAction(queries, context.flow);
        if (action === undefined || action.outcome === 'cancelled')
          throw new Failure('cancelled', 'The work was cancelled.');
        const message = `Cloned ${sent.size} bytes to region '${region}'`;
        await finishAction(queries, context.flow, 'success', message, { result: { target } });
        await context.forgetSecrets(queries);
      });
    },
  };
}

/** What is there. Fails with region_refused when that is gone, region_unavailable while it is not ready, or digest_mismatch. */
function confirmed(region: string, sent: Sent, found: StoredThere | null): StoredThere {
  if (found === null || found.status === 'deleted' || found.status === 'killed')
    throw new Failure('region_refused', `Image ${sent.id} was deleted in region '${region}' meanwhile.`);
  if (found.status !== 'active')
    throw new Failure(
      'region_unavailable',
      `Image ${sent.id} in region '${region}' is still ${found.status}.`,
    );
  const difference = differenceOf(sent, found);
  if (difference === null) return found;
  throw new Failure('digest_mismatch', `What arrived in region '${region}' has ${difference}.`);
}
