/** Settings from the environment: TINTYPE_ and the path in upper snake case (TINTYPE_DATABASE_URL). */
import type { TSchema } from 'typebox';
import { parse } from 'yaml';
import { ConfigError } from './config-error.ts';
import { innerSettings } from './inner-settings.ts';
import { configSchema } from './schema.ts';

const prefix = 'TINTYPE_';

/** Variables that other parts of the product read: the client's, and the tests'. */
const notSettings = /^TINTYPE_(ENDPOINT|TOKEN|TOKEN_FILE|TEST_.*|CONFIG)$/;

function upperSnake(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
}

/** Variable name → path of the setting, for every leaf of the schema. */
function variables(schema: TSchema, path: readonly string[], into: Map<string, readonly string[]>): void {
  const settings = innerSettings(schema);
  if (settings === undefined) {
    into.set(prefix + path.map(upperSnake).join('_'), path);
    return;
  }
  for (const [key, child] of Object.entries(settings)) variables(child, [...path, key], into);
}

export const environmentVariables: ReadonlyMap<string, readonly string[]> = (() => {
  const known = new Map<string, readonly string[]>();
  variables(configSchema, [], known);
  return known;
})();

function put(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let inner = into;
  for (const key of path.slice(0, -1)) {
    inner[key] ??= {};
    inner = inner[key] as Record<string, unknown>;
  }
  inner[path.at(-1)!] = value;
}

/** The text of a variable, as the file would hold it: strings stay strings, the rest is read as YAML. */
function readValue(path: readonly string[], text: string): unknown {
  let schema: TSchema = configSchema;
  for (const key of path) schema = innerSettings(schema)![key]!;
  const { type, anyOf } = schema as { type?: string; anyOf?: { type?: string }[] };
  const isText = type === 'string' || (anyOf?.some((one) => one.type === 'string') && text !== 'null');
  return isText ? text : parse(text);
}

/** Fails on a TINTYPE_ variable that names no setting. */
export function readEnvironment(environment: NodeJS.ProcessEnv): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(prefix) || notSettings.test(name) || text === undefined) continue;
    const path = environmentVariables.get(name);
    if (path === undefined) throw new ConfigError(`The environment variable ${name} names no setting.`);
    put(settings, path, readValue(path, text));
  }
  return settings;
}
