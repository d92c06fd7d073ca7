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
