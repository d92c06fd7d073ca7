/** Validation errors in the words of the configuration file. */
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { ConfigError } from './config-error.ts';
import { innerSettings, kindsOf, schemaFor } from './inner-settings.ts';
import { configSchema } from './schema.ts';

interface Problem {
  readonly instancePath: string;
  readonly message: string;
  readonly keyword: string;
  readonly params: object;
}

function describe({ keyword, message, params }: Problem): string {
  if (keyword === 'enum' && 'allowedValues' in params)
    return `must be one of ${(params.allowedValues as unknown[]).join(', ')}`;
  return message;
}

/** Edits to get from one word to the other. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const change = from[i - 1]!.toLowerCase() === to[j - 1]!.toLowerCase() ? 0 : 1;
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + change));
    }
    row = next;
  }
  return row[to.length]!;
}

function nearest(key: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((name) => ({ name, edits: distance(key, name) }))
    .sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  return best !== undefined && best.edits <= Math.max(2, key.length / 2) ? best.name : undefined;
}

function unknownKey(path: string, key: string, known: readonly string[]): ConfigError {
  const near = nearest(key, known);
  const hint = near === undefined ? `known here: ${known.join(', ')}` : `did you mean "${near}"?`;
  return new ConfigError(`Unknown setting "${path}${key}": ${hint}`);
}

/** Walks settings and schema side by side and finds the first key that the schema lacks. */
function findUnknown(settings: unknown, schema: TSchema, path: string): ConfigError | null {
  const { items } = schema as { items?: TSchema };
  const properties = innerSettings(schema);
  if (Array.isArray(settings) && items !== undefined) {
    for (const [index, entry] of settings.entries()) {
      const schema = schemaFor(items, entry);
      if (schema === undefined) continue;
      const found = findUnknown(entry, schema, `${path.slice(0, -1)}[${index}].`);
      if (found !== null) return found;
    }
    return null;
  }
  if (typeof settings !== 'object' || settings === null || properties === undefined) return null;
  for (const [key, value] of Object.entries(settings)) {
    if (!Object.hasOwn(properties, key)) return unknownKey(path, key, Object.keys(properties));
    const found = findUnknown(value, properties[key]!, `${path}${key}.`);
    if (found !== null) return found;
  }
  return null;
}

/** What is wrong with an entry that is told apart by its `type`, from the alternative that it names. */
function problemsOfKinds(settings: unknown): Problem[] {
  const problems: Problem[] = [];
  for (const [name, schema] of Object.entries(innerSettings(configSchema)!)) {
    const { items } = schema as { items?: TSchema };
    const entries = (settings as Record<string, unknown>)[name];
    const kinds = items === undefined ? undefined : kindsOf(items);
    if (kinds === undefined || !Array.isArray(entries)) continue;
    for (const [index, entry] of entries.entries()) {
      const at = `/${name}/${index}`;
      const chosen = schemaFor(items!, entry);
      const found: Problem[] =
        chosen === undefined
          ? [
              {
                instancePath: '/type',
                keyword: 'enum',
                message: '',
                params: { allowedValues: [...kinds.keys()] },
              },
            ]
          : Value.Errors(chosen, Value.Default(chosen, structuredClone(entry)));
      problems.push(...found.map((one) => ({ ...one, instancePath: at + one.instancePath })));
    }
  }
  return problems;
}

/** The first problem, as a sentence. */
export function explain(given: unknown, settings: unknown, problems: readonly Problem[]): ConfigError {
  const unknown = findUnknown(settings, configSchema, '') ?? findUnknown(given, configSchema, '');
  if (unknown !== null) return unknown;
  const ofKinds = problemsOfKinds(settings);
  const told = ofKinds.length > 0 ? ofKinds : problems;
  const deepest = told.toSorted((a, b) => b.instancePath.length - a.instancePath.length)[0]!;
  const name = deepest.instancePath.slice(1).replaceAll('/', '.');
  const subject = name === '' ? 'The configuration' : `Setting "${name}"`;
  return new ConfigError(`${subject} ${describe(deepest)}.`);
}
