/** PATCH /v2/images/{id}: all operations apply, in order, or none. */
import { Failure } from '../base/failure.ts';
import type { Caller } from '../identity/caller.ts';
import { checkImageLimits } from '../policy/limits.ts';
import {
  checkAttribute,
  checkWritable,
  type Formats,
  isBaseAttribute,
  withoutDuplicates,
} from './attributes.ts';
import { type Image, revisionOf } from './image.ts';
import { lockVisible, updateImage } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { type Operation, type PatchForm, readPatch } from './patch.ts';
import { requireVisibility } from './visibility.ts';

export interface ChangeInput {
  readonly id: string;
  readonly body: unknown;
  readonly form: PatchForm;
  /** Decides from the record's revision whether the change may happen (If-Match). */
  readonly precondition: (revision: string) => boolean;
}

export async function changeImage(
  parts: Pick<ImageParts, 'database' | 'policy' | 'settings'>,
  caller: Caller,
  input: ChangeInput,
): Promise<Image> {
  const { policy } = parts;
  const operations = readPatch(input.body, input.form);
  return await parts.database.transaction(async (queries) => {
    const { image: before, target } = await lockVisible(queries, policy, caller, input.id);
    policy.require('modify_image', caller, target);
    checkPrecondition(before, input.precondition);

    const { formats, limits } = parts.settings;
    const after = operations.reduce(
      (image, operation) => apply(image, operation, input.form, formats),
      before,
    );
    if (after === before) return before;
    if (after.owner !== before.owner && !policy.isAdmin(caller))
      throw new Failure('forbidden', 'Only an administrator may change the owner of an image.');
    if (after.visibility !== before.visibility) requireVisibility(policy, caller, after);
    checkImageLimits(limits, after.properties, after.tags);

    const changed = { ...after, updated_at: new Date() };
    await updateImage(queries, changed);
    return changed;
  });
}

/** Fails with precondition_failed when the image is not what the caller believes. */
export function checkPrecondition(image: Image, precondition: (revision: string) => boolean): void {
  if (!precondition(revisionOf(image)))
    throw new Failure('precondition_failed', `Image ${image.id} has changed since you read it.`);
}

function apply(image: Image, operation: Operation, form: PatchForm, formats: Formats): Image {
  const { op, name, value } = operation;
  if (name === 'id') throw new Failure('read_only', "Attribute 'id' is read-only.");
  checkWritable(name);
  if (isBaseAttribute(name)) return applyToBase(image, operation, formats);

  const present = Object.hasOwn(image.properties, name);
  if (op !== 'add' && !present)
    throw new Failure('property_missing', `Image ${image.id} has no property '${name}'.`);
  if (op === 'add' && present && form === 'v2.0')
    throw new Failure('property_exists', `Image ${image.id} has a property '${name}' already.`);
  const { [name]: _old, ...others } = image.properties;
  if (op === 'remove') return { ...image, properties: others };
  checkAttribute(name, value, formats);
  return { ...image, properties: { ...others, [name]: value as string | null } };
}

function applyToBase(image: Image, { op, name, value }: Operation, formats: Formats): Image {
  if (op === 'remove') throw new Failure('read_only', `Attribute '${name}' cannot be removed.`);
  checkAttribute(name, value, formats);
  const isFormat = name === 'disk_format' || name === 'container_format';
  if (isFormat && image.status !== 'queued' && image.status !== 'importing')
    throw new Failure('formats_fixed', `Attribute '${name}' is fixed once the image has data.`);
  return { ...image, [name]: name === 'tags' ? withoutDuplicates(value as string[]) : value };
}
