/** POST /v2/images/{id}/actions/fail: whoever was to give the data says that none will come. */
import { Failure } from '../base/failure.ts';
import { type Caller, withServiceRoles } from '../identity/caller.ts';
import { removeBytes } from '../locations/remove-bytes.ts';
import { lockVisible } from './image-records.ts';
import { killedMeanwhile, killImage } from './kill.ts';
import type { ImageParts } from './parts.ts';

export interface FailInput {
  readonly id: string;
  readonly message: string;
  readonly requestId: string;
}

export async function failImage(
  parts: Pick<ImageParts, 'database' | 'policy' | 'stores' | 'uploads' | 'log'>,
  caller: Caller,
  { id, message, requestId }: FailInput,
): Promise<void> {
  const doomed = await parts.database.transaction(async (queries) => {
    const { image, target } = await lockVisible(queries, parts.policy, caller, id);
    if (!parts.policy.isAllowed('service_api', withServiceRoles(caller), target))
      parts.policy.require('modify_image', caller, target);
    const { status } = image;
    if (status !== 'queued' && status !== 'saving' && status !== 'uploading')
      throw new Failure(
        'status_conflict',
        `Image ${image.id} is ${status}; only one that is queued, saving or uploading can be told to fail.`,
      );
    const code = 'image_failed';
    return await killImage(queries, image, {
      type: 'fail',
      code,
      message,
      userId: caller.userId,
      requestId,
    });
  });
  parts.uploads.abortImage(id.toLowerCase(), killedMeanwhile(id));
  await removeBytes(parts, doomed);
}
