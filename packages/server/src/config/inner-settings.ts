/** Settings inside settings. */
import type { TSchema } from 'typebox';

/** The settings that a group holds, whether it may be null or not; undefined for a single setting. */
export function innerSettings(schema: TSchema): Record<string, TSchema> | undefined {
  const { properties, anyOf } = schema as { properties?: Record<string, TSchema>; anyOf?: TSchema[] };
  if (properties !== undefined) return properties;
  for (const alternative of anyOf ?? []) {
    const inner = innerSettings(alternative);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/** The alternatives of a setting that are told apart by their `type`; undefined for any other setting. */
export function kindsOf(schema: TSchema): Map<string, TSchema> | undefined {
  const { anyOf } = schema as { anyOf?: { properties?: { type?: { const?: unknown } } }[] };
  const kinds = new Map<string, TSchema>();
  for (const alternative of anyOf ?? []) {
    const kind = alternative.properties?.type?.const;
    if (typeof kind !== 'string') return undefined;
    kinds.set(kind, alternative as TSchema);
  }
  return kinds.size === 0 ? undefined : kinds;
}

/** What `value` has to be: of alternatives told apart by `type` the one it names, undefined when it names none. */
export function schemaFor(schema: TSchema, value: unknown): TSchema | undefined {
  const kinds = kindsOf(schema);
  if (kinds === undefined) return schema;
  if (typeof value !== 'object' || value === null || !('type' in value)) return undefined;
  return kinds.get(String(value.type));
}
