/** What a caller of the old vocabulary gives, told in the words of the API; what cannot be told is refused. */
import { VocabularyError } from '../errors.ts';
import type { IsBase } from './base-names.ts';
import type { OldImageAttributes, OldProperties } from './old-image.ts';
import { amountOf, flagOf } from './old-values.ts';
import { textOf } from './property-text.ts';

/** Base attributes that have the same name in both. */
export interface NewAttributes {
  readonly name?: string | null;
  readonly owner?: string | null;
  readonly disk_format?: string | null;
  readonly container_format?: string | null;
  readonly min_disk?: number;
  readonly min_ram?: number;
  readonly protected?: boolean;
}

/** What is said of the data rather than of the image. */
export interface DataWords {
  /** Bytes. */
  readonly size: number | null;
  readonly md5: string | null;
  readonly store: string | null;
}

/** Where the data is instead of with the caller: to be used there, or to be copied. */
export interface DataSource {
  readonly word: 'location' | 'copy_from';
  readonly url: string;
}

export interface NewWords {
  readonly attributes: NewAttributes;
  readonly isPublic: boolean | null;
  /** Property → its text, null to take it away. */
  readonly properties: ReadonlyMap<string, string | null>;
  readonly data: DataWords;
  readonly source: DataSource | null;
}

const sameName = ['name', 'owner', 'disk_format', 'container_format'] as const;
const understood: ReadonlySet<string> = new Set([
  ...sameName,
  ...['id', 'is_public', 'min_disk', 'min_ram', 'protected', 'properties', 'size', 'checksum', 'store'],
  ...['location', 'copy_from'],
  ...['status', 'virtual_size', 'created_at', 'updated_at', 'deleted_at', 'deleted'],
]);
const instead: Readonly<Record<string, string>> = {
  visibility: 'say is_public, or change the image through ImageClient',
};

/** Throws VocabularyError. */
export function toNewWords(old: OldImageAttributes, isBase: IsBase): NewWords {
  refuseStrangers(old);
  const attributes: Record<string, unknown> = {};
  for (const name of sameName) if (old[name] !== undefined) attributes[name] = old[name];
  for (const name of ['min_disk', 'min_ram'] as const)
    if (isGiven(old[name])) attributes[name] = amountOf(name, old[name]);
  if (isGiven(old.protected)) attributes.protected = flagOf('protected', old.protected);
  const data = dataOf(old);
  return {
    attributes,
    isPublic: isGiven(old.is_public) ? flagOf('is_public', old.is_public) : null,
    properties: propertiesOf(old.properties ?? {}, isBase),
    data,
    source: sourceOf(old, data),
  };
}

/** Throws VocabularyError when the data is given, and also said to be elsewhere. */
export function requireOneSource(source: DataSource | null, data: unknown): void {
  if (source !== null && data !== undefined)
    throw new VocabularyError(`data is given, so that there is nothing to take by "${source.word}"`);
}

function dataOf({ size, checksum, store }: OldImageAttributes): DataWords {
  return {
    size: isGiven(size) ? amountOf('size', size) : null,
    md5: checksum || null,
    store: store || null,
  };
}

/** Nothing that the caller says of the data is passed over: what nobody would compare is refused. */
function sourceOf({ location, copy_from }: OldImageAttributes, data: DataWords): DataSource | null {
  if (location && copy_from)
    throw new VocabularyError(
      'the data is at a location or to be copied: give one, "location" or "copy_from"',
    );
  if (location) {
    if (data.store !== null)
      throw new VocabularyError('a location says where the data is: it takes no "store"');
    return { word: 'location', url: location };
  }
  if (!copy_from) return null;
  if (data.md5 !== null || (data.size ?? 0) > 0)
    throw new VocabularyError(
      'what "copy_from" names is fetched later: compare the record with your "size" and "checksum" once it is active',
    );
  return { word: 'copy_from', url: copy_from };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function refuseStrangers(old: OldImageAttributes): void {
  for (const [name, value] of Object.entries(old)) {
    if (understood.has(name) || !isGiven(value)) continue;
    const advice = Object.hasOwn(instead, name)
      ? instead[name]
      : 'put what describes the image into properties';
    throw new VocabularyError(`an image takes no "${name}" here: ${advice}`);
  }
}

function propertiesOf(old: OldProperties, isBase: IsBase): Map<string, string | null> {
  const properties = new Map<string, string | null>();
  for (const [name, value] of Object.entries(old)) {
    if (value === undefined) continue;
    // At top level, where properties are now, it would stand for the attribute.
    if (isBase(name))
      throw new VocabularyError(`"${name}" is an attribute of the API: no property can have that name`);
    properties.set(name, textOf(name, value));
  }
  return properties;
}
