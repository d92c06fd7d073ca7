/** Statements that each connection parses and plans once. */
import { CompiledQuery } from 'kysely';
import pg from 'pg';
import type { Queries } from './queries.ts';

/** Text → its name on every connection. */
const names = new Map<string, string>();

function nameOf(sql: string): string {
  const known = names.get(sql);
  if (known !== undefined) return known;
  const name = `tintype_${names.size + 1}`;
  names.set(sql, name);
  return name;
}

/** What the query builder makes, and SQL of our own. */
interface Statement<Row> {
  compile(queries: Queries): CompiledQuery<Row>;
}

/**
 * The rows of `statement`. For statements of which there are few, so that their texts do not pile up on the
 * connections, and whose best plan is the same whatever the values are. They name the columns that they return:
 * those of `*` would be others after a migration, which PostgreSQL refuses.
 */
export async function executePrepared<Row>(queries: Queries, statement: Statement<Row>): Promise<Row[]> {
  const { sql, parameters } = statement.compile(queries);
  nameOf(sql);
  const { rows } = await queries.executeQuery<Row>(CompiledQuery.raw(sql, [...parameters]));
  return rows;
}

/** The name under which a text is prepared; undefined for those that are not. */
export function preparedName(sql: string): string | undefined {
  return names.get(sql);
}

/** Texts that are counted, and times after which one is prepared. */
const mostTexts = 300;
const often = 10;
const uses = new Map<string, number>();

/** For libraries with SQL of their own: what is asked for again and again is prepared, and has a name from then on. */
export function countUse(text: string): string | undefined {
  if (/\*\s+FROM|RETURNING \*/i.test(text) || (uses.size >= mostTexts && !uses.has(text))) return undefined;
  const times = (uses.get(text) ?? 0) + 1;
  uses.set(text, times);
  return times > often ? nameOf(text) : undefined;
}

/** A connection that prepares what it, or one like it, is asked again and again. */
export class RepeatingClient extends pg.Client {
  override query(...given: unknown[]): never {
    const [text, values, ...rest] = given;
    const query = super.query as (...words: unknown[]) => never;
    const name = typeof text === 'string' && Array.isArray(values) ? countUse(text) : undefined;
    return name === undefined
      ? query.apply(this, given)
      : query.apply(this, [{ text, values, name }, ...rest]);
  }
}
