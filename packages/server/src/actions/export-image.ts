/** The flow of POST /v2/image-exports: the data of an image is read, converted if that is wanted, and sent. */
import type { FailureCode } from '../base/failure.ts';
import type { Queries } from '../database/queries.ts';
import type { Fate, Flow, StepContext, StepFailure } from '../flows/flow.ts';
import { mayPass } from '../flows/retry.ts';
import type { Action } from '../images/action.ts';
import { finishAction, lockAction } from '../images/action-records.ts';
import type { ActionParts } from './parts.ts';
import { convertExported } from './steps/convert-exported.ts';
import type { ExportInput } from './steps/exported-data.ts';
import { finishExport } from './steps/finish-export.ts';
import { readExported } from './steps/read-exported.ts';
import { sendExported } from './steps/send-exported.ts';

const imageExport = 'export-image';

/** It begins when the caller's transaction commits. */
export async function beginExport(
  parts: Pick<ActionParts, 'engine'>,
  queries: Queries,
  { id, owner, image_id: image }: Pick<Action, 'id' | 'owner' | 'image_id'>,
  more: Pick<ExportInput, 'location' | 'to' | 'evenDeactivated'>,
): Promise<void> {
  const input: ExportInput = { image, owner, ...more };
  // Of no subject: a download that is under way is not ended by the deletion of its image either.
  await parts.engine.start(queries, { id, flow: imageExport, input, project: owner, subject: null });
}

/** What somebody can put right while the rest waits. */
const curable: ReadonlySet<FailureCode> = new Set([
  'conversion_unavailable',
  'digest_mismatch',
  'image_deactivated',
  'quota_exceeded',
  'store_full',
  'target_refused',
  'worker_lost',
]);

export function exportImage(parts: ActionParts): Flow<ExportInput> {
  return {
    name: imageExport,
    secrets: ['location'],
    steps: ({ to }) => [
      ...(to === null ? [] : [readExported(parts), convertExported(parts)]),
      sendExported(parts),
      finishExport(parts),
    ],
    holds: (_input, { code }) => mayPass(code) || curable.has(code),
    failed: (context, _input, failure, fate) => end(parts, context, failure, fate),
  };
}

async function end(
  parts: Pick<ActionParts, 'database'>,
  context: StepContext,
  { code, message, step }: StepFailure,
  fate: Fate,
): Promise<void> {
  await parts.database.transaction(async (queries) => {
    await context.fence(queries);
    if ((await lockAction(queries, context.flow))?.outcome === 'success') return;
    if (fate === 'cancelled') await finishAction(queries, context.flow, 'cancelled', message);
    else await finishAction(queries, context.flow, 'failure', message, { error: { code, message, step } });
  });
}
