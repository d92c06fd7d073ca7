/** Statements that each connection parses and plans once. */
import { CompiledQuery, type RawBuilder } from 'kysely';
import type { Queries } from './queries.ts';

/** Text → its name on every connection. */
const names = new Map<string, string>();

/**
 * The rows of `query`. For statements of which there are few, so that their texts do not pile up on the
 * connections, and whose best plan is the same whatever the values are.
 */
export async function executePrepared<Row>(queries: Queries, query: RawBuilder<Row>): Promise<Row[]> {
  const { sql, parameters } = query.compile(queries);
  if (!names.has(sql)) names.set(sql, `tintype_${names.size + 1}`);
  const { rows } = await queries.executeQuery<Row>(CompiledQuery.raw(sql, [...parameters]));
  return rows;
}

/** The name under which a text is prepared; undefined for those that are not. */
export function preparedName(sql: string): string | undefined {
  return names.get(sql);
}
