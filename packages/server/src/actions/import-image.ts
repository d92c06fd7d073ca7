/** The flow of POST /v2/image-imports: data is fetched, verified, unpacked and converted as the operator wants it, and stored, and then there is an image. */
import type { ImageImportRequest } from '@tintype/contract';
import type { FailureCode } from '../base/failure.ts';
import type { Queries } from '../database/queries.ts';
import type { Fate, Flow, Step, StepContext, StepFailure } from '../flows/flow.ts';
import { mayPass } from '../flows/retry.ts';
import type { Caller } from '../identity/caller.ts';
import type { Action } from '../images/action.ts';
import { finishAction } from '../images/action-records.ts';
import { deleteDraft } from '../images/draft-records.ts';
import type { Image } from '../images/image.ts';
import { doomStaged } from '../images/staged-records.ts';
import { finishTask, taskStatus } from '../images/task-records.ts';
import { removeBytes } from '../locations/remove-bytes.ts';
import { derivations } from './derivations.ts';
import type { ActionParts } from './parts.ts';
import { placements } from './placements.ts';
import { refinementFor } from './refinement.ts';
import { create } from './steps/create.ts';
import { type FetchInput, fetchFrom } from './steps/fetch-source.ts';
import type { PlaceInput } from './steps/place.ts';
import { type VerifyInput, verify } from './steps/verify.ts';

const imageImport = 'import-image';

export type ImageImportInput = FetchInput &
  VerifyInput & {
    /** Its owner has sent the data: nothing has to be fetched. */
    readonly isUploaded: boolean;
  };

/** It begins when the caller's transaction commits. `uri` null: the data is staged. */
export async function beginImageImport(
  parts: ActionParts,
  queries: Queries,
  { id, request }: Pick<Action, 'id' | 'request'>,
  draft: Image,
  {
    signer,
    uri,
    caller,
  }: Pick<PlaceInput, 'signer'> & {
    readonly uri: string | null;
    readonly caller: Caller;
  },
): Promise<void> {
  const { stores: asked, expected, size = null } = request as unknown as ImageImportRequest;
  const stores = storesOf(parts, asked);
  const { id: image, owner } = draft;
  const digests = expected === undefined ? {} : { [expected.algorithm]: expected.value.toLowerCase() };
  const isSigned = signer !== null;
  const refinement = {
    ...refinementFor(parts, caller, { stores, isSigned, isTask: false }),
    requireDisk: parts.settings.requireFormatMatch,
  };
  await parts.engine.start(queries, {
    id,
    flow: imageImport,
    input: {
      image,
      owner,
      stores,
      allMustSucceed: true,
      signer,
      uri,
      size,
      digests,
      isUploaded: uri === null,
      refinement,
    },
    project: owner,
    subject: image,
  });
}

/** Those asked for, or the default one. */
export function storesOf(
  { stores }: Pick<ActionParts, 'stores'>,
  asked: readonly string[] | undefined,
): string[] {
  return [...new Set(asked ?? [stores.default.id])];
}

/** What somebody can put right while the rest waits. */
const curable: ReadonlySet<FailureCode> = new Set([
  'quota_exceeded',
  'source_refused',
  'store_full',
  'worker_lost',
]);

export function importImage(parts: ActionParts): Flow<ImageImportInput> {
  return {
    name: imageImport,
    secrets: ['uri'],
    steps: (input) => [
      ...(input.isUploaded ? [] : [fetchAnnounced(parts)]),
      verify(parts),
      ...derivations<ImageImportInput>(parts, input),
      ...placements<ImageImportInput>(parts, input),
      create(parts),
    ],
    holds: (_input, { code }) => mayPass(code) || curable.has(code),
    failed: (context, input, failure, fate) => end(parts, context, input, failure, fate),
  };
}

/** A source that says it has another number of bytes than was announced is not fetched at all. */
function fetchAnnounced(parts: ActionParts): Step<ImageImportInput> {
  return fetchFrom(parts, (_context, { uri, size }) => ({
    fetcher: parts.fetcher,
    url: uri,
    size: null,
    announced: size,
  }));
}

async function end(
  parts: ActionParts,
  context: StepContext,
  { image }: ImageImportInput,
  { code, message, step }: StepFailure,
  fate: Fate,
): Promise<void> {
  const doomed = await parts.database.transaction(async (queries) => {
    await context.fence(queries);
    if ((await taskStatus(queries, context.flow)) === 'success') return [];
    const error = { code, message, step };
    await finishTask(queries, context.flow, 'failure', message, { error });
    if (fate === 'cancelled') await finishAction(queries, context.flow, 'cancelled', message);
    else await finishAction(queries, context.flow, 'failure', message, { error });
    if (fate === 'held') return [];
    await deleteDraft(queries, image);
    return await doomStaged(queries, image);
  });
  await removeBytes(parts, doomed);
}
