/** PATCH /v2/images/{id}: all operations apply, in order, or none. */
import { Failure } from '../base/failure.ts';
import type { Caller } from '../identity/caller.ts';
import { checkImageLimits } from '../policy/limits.ts';
import { applyOperation, type PatchRules } from './apply-operation.ts';
import { type Image, revisionOf } from './image.ts';
import { lockVisible, updateImage } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { type PatchForm, readPatch } from './patch.ts';
import { readable } from './readable.ts';
import { requireVisibility } from './visibility.ts';

export interface ChangeInput {
  readonly id: string;
  readonly body: unknown;
  readonly form: PatchForm;
  /** Decides from the record's revision whether the change may happen (If-Match). */
  readonly precondition: (revision: string) => boolean;
}

export async function changeImage(
  parts: Pick<ImageParts, 'database' | 'policy' | 'protections' | 'settings'>,
  caller: Caller,
  input: ChangeInput,
): Promise<Image> {
  const { policy, protections, settings } = parts;
  const operations = readPatch(input.body, input.form);
  const rules: PatchRules = {
    form: input.form,
    formats: settings.formats,
    requireProperty: (verb, name) => protections.require(verb, name, caller),
  };
  const changed = await parts.database.transaction(async (queries) => {
    const { image: before, target } = await lockVisible(queries, policy, caller, input.id);
    policy.require('modify_image', caller, target);
    checkPrecondition(readable(parts, caller, before), input.precondition);

    if (operations.length === 0) return before;
    let after: Image = { ...before, properties: { ...before.properties } };
    for (const operation of operations) after = applyOperation(after, operation, rules);
    if (after.owner !== before.owner && !policy.isAdmin(caller))
      throw new Failure('forbidden', 'Only an administrator may change the owner of an image.');
    if (after.visibility !== before.visibility) requireVisibility(policy, caller, after);
    checkImageLimits(settings.limits, after, before);

    const stored = { ...after, updated_at: new Date() };
    await updateImage(queries, stored);
    return stored;
  });
  return readable(parts, caller, changed);
}

/** Fails with precondition_failed when the image is not what the caller believes. */
export function checkPrecondition(image: Image, precondition: (revision: string) => boolean): void {
  if (!precondition(revisionOf(image)))
    throw new Failure('precondition_failed', `Image ${image.id} has changed since you read it.`);
}
