/** The two patch forms of the Image API, read into one list of operations (API section 3). */
import { Failure } from '../base/failure.ts';

export type PatchForm = 'v2.0' | 'v2.1';

export interface Operation {
  readonly op: 'add' | 'remove' | 'replace';
  readonly name: string;
  /** Of the location added or removed: its index, or `-` for the end. */
  readonly position?: string;
  /** Absent for remove. */
  readonly value?: unknown;
}

const verbs = ['add', 'remove', 'replace'] as const;
type Verb = (typeof verbs)[number];

function refuse(why: string): Failure {
  return new Failure('invalid_patch', why);
}

/** A value as a message quotes it: what is no text may be nested too deep to be written out. */
function quoted(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : `of type ${value === null ? 'null' : typeof value}`;
}

/** `{"op":"replace","path":"/name","value":"x"}`. */
function readNew(entry: Record<string, unknown>): [Verb, unknown] {
  const op = entry.op;
  if (!verbs.includes(op as Verb)) throw refuse(`Operation ${quoted(op)} is not one of ${verbs.join(', ')}.`);
  return [op as Verb, entry.path];
}

/** `{"replace":"/name","value":"x"}`. */
function readOld(entry: Record<string, unknown>): [Verb, unknown] {
  const named = verbs.filter((verb) => Object.hasOwn(entry, verb));
  const [verb] = named;
  if (verb === undefined || named.length > 1)
    throw refuse(`An operation names exactly one of ${verbs.join(', ')}.`);
  return [verb, entry[verb]];
}

function readPath(op: Verb, path: unknown): Pick<Operation, 'name' | 'position'> {
  if (typeof path !== 'string' || !path.startsWith('/'))
    throw refuse(`Path ${quoted(path)} does not begin with "/".`);
  const segments = path.slice(1).split('/');
  if (segments.some((segment) => segment === '')) throw refuse(`Path '${path}' has an empty segment.`);
  if (/~(?![01])/.test(path)) throw refuse(`Path '${path}' has a "~" that is neither "~0" nor "~1".`);
  const names = segments.map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
  const [name, position, ...deeper] = names as [string, ...string[]];
  if (name === 'locations' && (op === 'replace') !== (position === undefined))
    throw refuse(`Path '${path}' is not one to ${op}: locations are added and removed one by one.`);
  if (deeper.length > 0 || (position !== undefined && name !== 'locations'))
    throw refuse(`Path '${path}' reaches into an attribute; only whole attributes can change.`);
  return position === undefined ? { name } : { name, position };
}

function readOperation(entry: unknown, form: PatchForm): Operation {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw refuse('Every operation must be a JSON object.');
  const fields = entry as Record<string, unknown>;
  const [op, path] = form === 'v2.1' ? readNew(fields) : readOld(fields);
  const place = readPath(op, path);
  if (op === 'remove') return { op, ...place };
  if (!Object.hasOwn(fields, 'value')) throw refuse(`Operation ${op} on '${place.name}' has no value.`);
  return { op, ...place, value: fields.value };
}

/** Fails with invalid_patch unless `body` is an array of operations. */
export function readPatch(body: unknown, form: PatchForm): Operation[] {
  if (!Array.isArray(body)) throw refuse('The request body must be an array of operations.');
  return body.map((entry) => readOperation(entry, form));
}
