/** PATCH /v2/images/{id}: all operations apply, in order, or none. */
import { Failure } from '../base/failure.ts';
import type { Caller } from '../identity/caller.ts';
import { actsAcrossProjects, require } from '../policy/enforcer.ts';
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
  parts: Pick<ImageParts, 'database' | 'settings'>,
  caller: Caller,
  input: ChangeInput,
): Promise<Image> {
  const operations = readPatch(input.body, input.form);
  return await parts.database.transaction(async (queries) => {
    const before = await lockVisible(queries, caller, input.id);
    require('modify_image', caller, before);
    checkPrecondition(before, input.precondition);

    const { formats, limits } = parts.settings;
    if (operations.length === 0) return before;
    let after: Image = { ...before, properties: { ...before.properties } };
    for (const operation of operations) after = apply(after, operation, input.form, formats);
    if (after.owner !== before.owner && !actsAcrossProjects(caller))
      throw new Failure('forbidden', 'Only an administrator may change the owner of an image.');
    if (after.visibility !== before.visibility) requireVisibility(caller, after);
    checkImageLimits(limits, after, before);

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

/** The image's properties are the draft's own and change in place: a document may hold thousands of operations. */
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
  if (op === 'remove') delete image.properties[name];
  else {
    checkAttribute(name, value, formats);
    image.properties[name] = value as string | null;
  }
  return image;
}

function applyToBase(image: Image, { op, name, value }: Operation, formats: Formats): Image {
  if (op === 'remove') throw new Failure('read_only', `Attribute '${name}' cannot be removed.`);
  checkAttribute(name, value, formats);
  const isFormat = name === 'disk_format' || name === 'container_format';
  if (isFormat && image.status !== 'queued' && image.status !== 'importing')
    throw new Failure('formats_fixed', `Attribute '${name}' is fixed once the image has data.`);
  return { ...image, [name]: name === 'tags' ? withoutDuplicates(value as string[]) : value };
}
