/** What a caller may write into an image record: names, types and limits (API sections 2 and 3). */
import { ImageCreation } from '@tintype/contract';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Failure } from '../base/failure.ts';
import { isStorable } from '../base/text.ts';

export interface Formats {
  readonly disk: readonly string[];
  readonly container: readonly string[];
}

const readOnly = new Set([
  'status',
  'size',
  'virtual_size',
  'checksum',
  'os_hash_algo',
  'os_hash_value',
  'created_at',
  'updated_at',
  'self',
  'file',
  'schema',
  'direct_url',
  'stores',
  'locations',
]);
const reserved = new Set(['location', 'deleted', 'deleted_at']);
const uuidProperties = new Set(['kernel_id', 'ramdisk_id']);
const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

const base = new Map(
  Object.entries(ImageCreation.properties as Record<string, TSchema>).map(([name, schema]) => [
    name,
    Compile(schema),
  ]),
);

export function isBaseAttribute(name: string): boolean {
  return base.has(name);
}

/** Fails with read_only or reserved_attribute when clients never write this name. */
export function checkWritable(name: string): void {
  if (readOnly.has(name)) throw new Failure('read_only', `Attribute '${name}' is read-only.`);
  if (reserved.has(name) || name.startsWith('os_glance'))
    throw new Failure('reserved_attribute', `Attribute '${name}' is reserved.`);
}

function invalid(name: string, why: string): Failure {
  return new Failure('invalid_attribute', `Invalid value for attribute '${name}': ${why}.`);
}

function checkText(name: string, value: unknown): void {
  const texts = Array.isArray(value) ? value : [value];
  for (const text of texts)
    if (typeof text === 'string' && !isStorable(text))
      throw invalid(name, 'it has characters that are not text');
}

function checkFormat(name: string, value: unknown, known: readonly string[]): void {
  if (value !== null && !known.includes(value as string))
    throw invalid(name, `it is none of ${known.join(', ')}`);
}

/** Fails with invalid_attribute unless `value` may be the value of a base attribute. */
function checkBase(name: string, value: unknown, formats: Formats): void {
  const errors = base.get(name)!.Errors(value);
  const first = errors[0];
  if (first !== undefined) throw invalid(name, first.message);
  checkText(name, value);
  if (name === 'id' && !uuid.test(value as string)) throw invalid(name, 'it is not a UUID');
  if (name === 'disk_format') checkFormat(name, value, formats.disk);
  if (name === 'container_format') checkFormat(name, value, formats.container);
}

function checkProperty(name: string, value: unknown): void {
  if (name === '' || name === '__proto__' || [...name].length > 255 || !isStorable(name))
    throw new Failure('invalid_attribute', 'A property name has 1 to 255 characters of text.');
  if (uuidProperties.has(name)) {
    if (value !== null && !(typeof value === 'string' && uuid.test(value)))
      throw invalid(name, 'it is not a UUID');
    return;
  }
  if (typeof value !== 'string') throw invalid(name, 'a property is a string');
  if (!isStorable(value)) throw invalid(name, 'it has characters that are not text');
}

/** Fails unless `name` may be written with `value`: read_only, reserved_attribute or invalid_attribute. */
export function checkAttribute(name: string, value: unknown, formats: Formats): void {
  checkWritable(name);
  if (isBaseAttribute(name)) checkBase(name, value, formats);
  else checkProperty(name, value);
}

/** In order of first appearance. */
export function withoutDuplicates(tags: readonly string[]): string[] {
  return [...new Set(tags)];
}
