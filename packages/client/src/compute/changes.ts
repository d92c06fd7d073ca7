/** The operations that make an image what the old words say; none for what it is already. */
import type { Image } from '../image.ts';
import type { PatchOperation } from '../update-image.ts';
import type { IsBase } from './base-names.ts';
import { isSameText } from './property-text.ts';
import type { NewWords } from './to-new.ts';
import { propertyTexts } from './to-old.ts';

/** `purge`: the properties given are all that the image is to have. */
export function changeOperations(
  image: Image,
  words: NewWords,
  purge: boolean,
  isBase: IsBase,
): PatchOperation[] {
  const operations: PatchOperation[] = [];
  for (const [name, value] of Object.entries(words.attributes))
    if ((image[name] ?? null) !== value) operations.push({ op: 'replace', path: `/${name}`, value });
  const visibility = visibilityFor(image, words.isPublic);
  if (visibility !== null) operations.push({ op: 'replace', path: '/visibility', value: visibility });

  const present = propertyTexts(image, isBase);
  for (const [name, text] of words.properties) {
    const before = present.get(name);
    if (text === null) {
      if (before !== undefined) operations.push({ op: 'remove', path: pathOf(name) });
    } else if (before === undefined || !isSameText(name, before, text))
      operations.push({ op: 'add', path: pathOf(name), value: text });
  }
  if (!purge) return operations;
  for (const name of present.keys())
    if (!words.properties.has(name) && !isServerOwned(name))
      operations.push({ op: 'remove', path: pathOf(name) });
  return operations;
}

/** "Not public" says nothing against sharing: writing a record back must not end it. */
function visibilityFor(image: Image, isPublic: boolean | null): 'public' | 'private' | null {
  if (isPublic === null || isPublic === (image.visibility === 'public')) return null;
  return isPublic ? 'public' : 'private';
}

/** The server keeps these, and refuses every change. */
function isServerOwned(name: string): boolean {
  return name.startsWith('os_glance_');
}

function pathOf(name: string): string {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
