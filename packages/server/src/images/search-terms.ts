/** The terms an image is found by, in one indexed array: its tags, its properties, and why it is visible. */
import { createHash } from 'node:crypto';
import type { Image } from './image.ts';

/** Index entries have a limit of some 2,700 bytes. */
const longest = 400;

/** Two terms are equal only if what they stand for is: a match needs no second look at the row. */
function term(text: string): string {
  if (Buffer.byteLength(text) <= longest) return text;
  return `#${createHash('sha256').update(text).digest('hex')}`;
}

export function tagTerm(tag: string): string {
  return term(`t:${tag}`);
}

/** Name and value may both contain "=": the length tells where the name ends. */
export function propertyTerm(name: string, value: string): string {
  return term(`p:${name.length}:${name}=${value}`);
}

export function ownerTerm(owner: string): string {
  return term(`o:${owner}`);
}

export function visibilityTerm(visibility: string): string {
  return `v:${visibility}`;
}

export function searchTerms({
  tags,
  properties,
  owner,
  visibility,
}: Pick<Image, 'tags' | 'properties' | 'owner' | 'visibility'>): string[] {
  const terms = [visibilityTerm(visibility), ...tags.map(tagTerm)];
  if (owner !== null) terms.push(ownerTerm(owner));
  for (const [name, value] of Object.entries(properties))
    if (value !== null) terms.push(propertyTerm(name, value));
  return terms;
}
