/** Custom properties between the old vocabulary and the texts that the API keeps. */
import { VocabularyError } from '../errors.ts';
import type { Json } from './old-image.ts';

/** Their text is JSON. */
const structured: ReadonlySet<string> = new Set(['block_device_mapping', 'mappings']);
/** Ids of images, or the word none. */
const references: ReadonlySet<string> = new Set(['kernel_id', 'ramdisk_id']);

/** null: the image is not to have the property. */
export function textOf(name: string, value: Json): string | null {
  if (value === null) return null;
  if (typeof value === 'string') return references.has(name) && /^\s*(none)?\s*$/i.test(value) ? null : value;
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  // Glance: services compare these words, which is how their language spells them.
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (structured.has(name) && typeof value === 'object') return JSON.stringify(value);
  throw new VocabularyError(`property "${name}" is neither text, nor a number, nor true or false`);
}

export function oldValue(name: string, text: string): Json {
  const value = structured.has(name) ? parse(text) : null;
  return typeof value === 'object' && value !== null ? value : text;
}

/** Whether both say the same: JSON does in any spacing. */
export function isSameText(name: string, one: string, other: string): boolean {
  if (one === other) return true;
  if (!structured.has(name)) return false;
  const [first, second] = [oldValue(name, one), oldValue(name, other)];
  return typeof first === 'object' && JSON.stringify(first) === JSON.stringify(second);
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}
