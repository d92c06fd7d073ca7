/** PUT /v2/image-imports/{id}/file: the data of an import that was asked for with upload; what is cut leaves nothing, and may be sent again. */
import type { ImageImportRequest } from '@tintype/contract';
import { Failure } from '../base/failure.ts';
import type { Caller } from '../identity/caller.ts';
import { touchAction } from '../images/action-records.ts';
import { findDraft } from '../images/draft-records.ts';
import { insertDraftUpload, recordDraftData } from '../images/draft-upload-records.ts';
import { checkAnnouncedSize, type ReceivedInput, receive } from '../images/receive.ts';
import { intoStaging } from '../images/stage.ts';
import { actionTarget, findOwnAction } from './find-action.ts';
import { findImportSigner } from './find-import-signer.ts';
import { beginImageImport } from './import-image.ts';
import type { ActionParts } from './parts.ts';

export interface UploadImportInput extends ReceivedInput {
  /** Of the caller, as it came: certificates are read with it. */
  readonly token: string | null;
}

/** Resolves when the data is safe, and the import certain to be carried out or its failure told. */
export async function uploadImageImport(
  parts: ActionParts,
  caller: Caller,
  sent: UploadImportInput,
): Promise<void> {
  checkAnnouncedSize(sent.expectedSize, parts.settings.sizeCap);
  const asked = { id: sent.id, type: 'import' } as const;
  const { action } = await findOwnAction(parts, parts.database.db, caller, asked);
  parts.policy.require('modify_image_action', caller, actionTarget(action));
  const draft = await findDraft(parts.database.db, action.image_id);
  if (action.request.upload !== true || action.outcome !== null || draft === undefined)
    throw new Failure('status_conflict', 'This import waits for no data.');
  const input = heldAgainst(action.request as unknown as ImageImportRequest, sent);
  const signer = await findImportSigner(parts, draft, input.token);

  await receive(parts, caller, {
    input,
    image: draft,
    store: parts.stores.staging,
    quota: 'image_stage_total',
    begin: (upload, hasRoom) =>
      insertDraftUpload(parts.database, upload, async (queries) => {
        await hasRoom(queries);
        await touchAction(queries, action.id);
      }),
    take: intoStaging(parts, input),
    record: (upload, { size }, hasRoom) =>
      recordDraftData(parts.database, upload, size, hasRoom, (queries) =>
        beginImageImport(parts, queries, action, draft, { signer, uri: null, caller }),
      ),
  });
}

/**
 * With what was said of the data when the import was asked for: other data is not taken, and may be sent again. Fails with
 * size_mismatch or digest_mismatch when the sender says something else now.
 */
function heldAgainst({ size, expected }: ImageImportRequest, sent: UploadImportInput): UploadImportInput {
  const { expectedSize, expectedDigests } = sent;
  if (size !== undefined && expectedSize !== null && expectedSize !== size)
    throw new Failure(
      'size_mismatch',
      `${expectedSize} bytes are sent, announced for the import were ${size}.`,
    );
  const held = { ...sent, expectedSize: expectedSize ?? size ?? null };
  if (expected === undefined) return held;
  const { algorithm } = expected;
  const value = expected.value.toLowerCase();
  const now = expectedDigests[algorithm] ?? value;
  if (now === value) return { ...held, expectedDigests: { ...expectedDigests, [algorithm]: value } };
  throw new Failure('digest_mismatch', `${algorithm} ${now} is sent, expected for the import was ${value}.`);
}
