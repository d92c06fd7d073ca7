/** One operation of a patch, applied to an image. */
import { Failure } from '../base/failure.ts';
import type { PropertyVerb } from '../policy/property-protections.ts';
import {
  checkAttribute,
  checkWritable,
  type Formats,
  isBaseAttribute,
  withoutDuplicates,
} from './attributes.ts';
import type { Image } from './image.ts';
import type { Operation, PatchForm } from './patch.ts';

export interface PatchRules {
  readonly form: PatchForm;
  readonly formats: Formats;
  /** Fails with forbidden when a property is protected from the caller. */
  readonly requireProperty: (verb: PropertyVerb, name: string) => void;
}

/**
 * The image after the operation. Its properties are the draft's own and change in place: a document may hold
 * thousands of operations. Fails with what API section 3 names for each case.
 */
export function applyOperation(image: Image, operation: Operation, rules: PatchRules): Image {
  const { op, name, value } = operation;
  const { form, formats, requireProperty } = rules;
  if (name === 'id') throw new Failure('read_only', "Attribute 'id' is read-only.");
  checkWritable(name);
  if (isBaseAttribute(name)) return applyToBase(image, operation, formats);

  const present = Object.hasOwn(image.properties, name);
  if (op !== 'add' && !present)
    throw new Failure('property_missing', `Image ${image.id} has no property '${name}'.`);
  if (op === 'add' && present && form === 'v2.0')
    throw new Failure('property_exists', `Image ${image.id} has a property '${name}' already.`);
  requireProperty(op === 'remove' ? 'delete' : present ? 'update' : 'create', name);
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
