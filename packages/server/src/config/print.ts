/** The configuration as YAML for a person, secrets masked. */
import type { TSchema } from 'typebox';
import { stringify } from 'yaml';
import { maskCredentials } from '../base/log.ts';
import { innerSettings, schemaFor } from './inner-settings.ts';
import { type Config, configSchema } from './schema.ts';

/** Settings that the schema calls `writeOnly` are secrets. */
function masked(value: unknown, schema: TSchema | undefined): unknown {
  if (value === null || schema === undefined) return value;
  const { writeOnly, items } = schema as { writeOnly?: boolean; items?: TSchema };
  if (writeOnly) return '***';
  if (Array.isArray(value)) return value.map((entry) => masked(entry, items && schemaFor(items, entry)));
  const settings = innerSettings(schema);
  if (typeof value !== 'object' || settings === undefined) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, masked(inner, settings[name])]),
  );
}

export function printConfig(config: Config): string {
  const { url } = config.database;
  const database = { ...config.database, url: url === null ? null : maskCredentials(url) };
  return stringify({ ...(masked(config, configSchema) as Config), database });
}
