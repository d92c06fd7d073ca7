/** Which properties of images who may create, read, update and delete: the reference's property protection files. */
import { Failure } from '../base/failure.ts';
import type { Log } from '../base/log.ts';
import type { Caller } from '../identity/caller.ts';
import type { Policy } from './policy.ts';
import { WatchedFile } from './watched-file.ts';

const verbs = ['create', 'read', 'update', 'delete'] as const;
export type PropertyVerb = (typeof verbs)[number];

export interface PropertyProtections {
  isAllowed(verb: PropertyVerb, property: string, caller: Caller): boolean;
  /** Fails with forbidden, naming the property. */
  require(verb: PropertyVerb, property: string, caller: Caller): void;
}

/** One section: properties whose name the expression finds; the first section that fits decides. */
interface Section {
  readonly pattern: RegExp;
  readonly allowed: Readonly<Record<PropertyVerb, readonly string[]>>;
}

export class PropertyProtectionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PropertyProtectionError';
  }
}

function readPattern(text: string): RegExp {
  try {
    return new RegExp(text, 'u');
  } catch {
    throw new PropertyProtectionError(`[${text}] is not a regular expression`);
  }
}

function readSection(name: string, lines: ReadonlyMap<string, string>): Section {
  const allowed = {} as Record<PropertyVerb, readonly string[]>;
  for (const verb of verbs) {
    const text = lines.get(verb);
    if (text === undefined) throw new PropertyProtectionError(`[${name}] says nothing about ${verb}`);
    const names = text.split(',').map((part) => part.trim());
    allowed[verb] = names.filter((part) => part !== '');
    if (allowed[verb].length > 1 && (names.includes('@') || names.includes('!')))
      throw new PropertyProtectionError(`[${name}] mixes @ or ! with names in ${verb}`);
  }
  const unknown = [...lines.keys()].find((key) => !verbs.includes(key as PropertyVerb));
  if (unknown !== undefined) throw new PropertyProtectionError(`[${name}] has the unknown key ${unknown}`);
  return { pattern: readPattern(name), allowed };
}

/** INI: sections in order, `#` and `;` begin comments. Fails with PropertyProtectionError. */
export function readProtections(text: string): readonly Section[] {
  const raw: { name: string; lines: Map<string, string> }[] = [];
  for (const line of text.split(/\r?\n/).map((each) => each.trim())) {
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const name = /^\[(.+)\]$/.exec(line)?.[1];
    const [, key, value] = /^(\w+)\s*[=:]\s*(.*)$/.exec(line) ?? [];
    if (name !== undefined) raw.push({ name, lines: new Map() });
    else if (key === undefined || raw.length === 0)
      throw new PropertyProtectionError(`"${line}" is out of place`);
    else raw.at(-1)!.lines.set(key, value!);
  }
  return raw.map(({ name, lines }) => readSection(name, lines));
}

const open: PropertyProtections = { isAllowed: () => true, require: () => {} };

/** `file` null: no property is protected. With a file, what no section fits is closed to everybody. */
export function openProtections(
  file: string | null,
  format: 'roles' | 'policies',
  policy: Policy,
  log: Log,
): PropertyProtections {
  if (file === null) return open;
  const sections = new WatchedFile(file, readProtections, log);
  const isAllowed: PropertyProtections['isAllowed'] = (verb, property, caller) => {
    const names = sections.current.find(({ pattern }) => pattern.test(property))?.allowed[verb] ?? ['!'];
    if (names.includes('@')) return true;
    if (names.includes('!')) return false;
    if (format === 'roles') return names.some((role) => caller.roles.has(role.toLowerCase()));
    return names.some((rule) => policy.isAllowed(rule, caller, { project_id: caller.projectId }));
  };
  return {
    isAllowed,
    require(verb, property, caller) {
      if (!isAllowed(verb, property, caller))
        throw new Failure('forbidden', `Property '${property}' is protected: you may not ${verb} it.`);
    },
  };
}
