/** The flow of a clone: another region is asked, gets the record and the data of an image, and what is there is compared. */
import type { FailureCode } from '../base/failure.ts';
import type { Fate, Flow, StepContext, StepFailure } from '../flows/flow.ts';
import { mayPass } from '../flows/retry.ts';
import { finishAction, lockAction } from '../images/action-records.ts';
import { findImage } from '../images/image-records.ts';
import type { ActionParts } from './parts.ts';
import { confirmClone } from './steps/confirm-clone.ts';
import { reachRegion } from './steps/reach-region.ts';
import { type CloneInput, sendClone } from './steps/send-clone.ts';

export const imageClone = 'clone-image';

/** What somebody can put right while the rest waits. */
const curable: ReadonlySet<FailureCode> = new Set(['region_unauthorized', 'worker_lost']);

export function cloneImage(parts: ActionParts): Flow<CloneInput> {
  return {
    name: imageClone,
    secrets: ['token'],
    steps: () => [reachRegion(parts), sendClone(parts), confirmClone(parts)],
    holds: (_input, { code }) => mayPass(code) || curable.has(code),
    failed: (context, input, failure, fate) => end(parts, context, input, failure, fate),
  };
}

async function end(
  parts: ActionParts,
  context: StepContext,
  { image }: CloneInput,
  failure: StepFailure,
  fate: Fate,
): Promise<void> {
  await parts.database.transaction(async (queries) => {
    await context.fence(queries);
    const action = await lockAction(queries, context.flow);
    if (action === undefined || action.outcome === 'success') return;
    // Deleting the image cancels what works on it.
    const status = (await findImage(queries, image))?.status ?? 'deleted';
    const isGone = fate === 'cancelled' && (status === 'deleted' || status === 'pending_delete');
    const { code, message, step } = isGone ? deleted(image, failure) : failure;
    const error = { code, message, step };
    if (fate === 'cancelled' && !isGone) await finishAction(queries, context.flow, 'cancelled', message);
    else await finishAction(queries, context.flow, 'failure', message, { error });
  });
}

function deleted(image: string, { step }: StepFailure): StepFailure {
  return { code: 'image_deleted', message: `Image ${image} was deleted before it was cloned.`, step };
}
