/** Which container an object is in: its key tells, so that what was stored stays where it is when the settings change. */
import { createHash } from 'node:crypto';
import { Failure } from '../../base/failure.ts';
import { checkKey, isKey } from '../keys.ts';
import type { SwiftStoreOptions } from './options.ts';

export interface Spot {
  readonly container: string;
  /** Of the object in it. */
  readonly name: string;
}

type Naming = Pick<SwiftStoreOptions, 'container' | 'containerFor' | 'containerSeed'>;

/** Between the name of an object and that of its container, unless that is the store's own: no other key has it. */
const separator = '@';
const segmentsEnd = '_segments';
const suffixForm = /^[A-Za-z0-9_.-]{1,64}$/;

/** Where the segments of the objects in a container are. */
export function segmentsOf(container: string): string {
  return `${container}${segmentsEnd}`;
}

/** The key of what is put as `name`, which begins with the id of the image. `project` null: it belongs to none. */
export function keyOfNew(naming: Naming, name: string, project: string | null): string {
  const suffix = suffixFor(naming, name, project);
  return suffix === null ? name : `${name}${separator}${suffix}`;
}

/** Fails with not_found. */
export function spotOf({ container }: Naming, key: string): Spot {
  const [name, suffix, ...more] = key.split(separator) as [string, ...string[]];
  checkKey(name);
  if (suffix === undefined) return { container, name };
  if (more.length === 0 && isSuffix(suffix)) return { container: `${container}_${suffix}`, name };
  throw new Failure('not_found', 'No store has an object of that name.');
}

/** The key of the object at this spot; null when none of ours can be there. */
export function keyAt({ container: own }: Naming, { container, name }: Spot): string | null {
  if (!isKey(name)) return null;
  if (container === own) return name;
  const suffix = container.startsWith(`${own}_`) ? container.slice(own.length + 1) : '';
  return isSuffix(suffix) ? `${name}${separator}${suffix}` : null;
}

function suffixFor(
  { containerFor, containerSeed }: Naming,
  name: string,
  project: string | null,
): string | null {
  if (containerFor === 'store') return null;
  // Glance: the dashes among the first characters do not count.
  if (containerFor === 'seed') return new RegExp(`^(-*[^-]){1,${containerSeed}}`).exec(name)?.[0] ?? null;
  if (project === null) return null;
  if (isSuffix(project)) return project;
  return createHash('sha256').update(project).digest('hex').slice(0, 32);
}

function isSuffix(text: string): boolean {
  return suffixForm.test(text) && !`_${text}`.endsWith(segmentsEnd);
}
