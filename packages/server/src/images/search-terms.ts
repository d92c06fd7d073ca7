/** The terms an image is found by: one a tag, one a property, in one indexed array. */
import { createHash } from 'node:crypto';
import type { Properties } from './image.ts';

/** Index entries have a limit of some 2,700 bytes. */
const longest = 400;

function term(text: string): string {
  if (Buffer.byteLength(text) <= longest) return text;
  return `#${createHash('sha256').update(text).digest('hex')}`;
}

export function tagTerm(tag: string): string {
  return term(`t:${tag}`);
}

/** Name and value may both contain "=": a match is checked again on the property itself. */
export function propertyTerm(name: string, value: string): string {
  return term(`p:${name}=${value}`);
}

export function searchTerms(tags: readonly string[], properties: Properties): string[] {
  const terms = tags.map(tagTerm);
  for (const [name, value] of Object.entries(properties))
    if (value !== null) terms.push(propertyTerm(name, value));
  return terms;
}
