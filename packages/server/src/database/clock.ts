/** The time by the clock of the database, in which all nodes agree: records of one node are judged by others. */
import type pg from 'pg';

/** Milliseconds: since 1970 by its clock, and by ours, which no jump moves, at one moment. */
let known: { readonly there: number; readonly here: number } | null = null;

type Query = (text: string) => Promise<{ readonly rows: pg.QueryResultRow[] }>;

function milliseconds(): number {
  return known === null ? Date.now() : known.there + performance.now() - known.here;
}

/** By the clock of this machine until that of the database was read. */
export function currentTime(): Date {
  return new Date(milliseconds());
}

/** To be called now and then: no two clocks go at the same rate. What is within the time that an answer takes moves nothing. */
export async function readClock(query: Query): Promise<void> {
  const before = performance.now();
  const { rows } = await query('SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS time');
  const after = performance.now();
  const [there, here] = [rows[0]!.time as number, (before + after) / 2];
  const isRight = known !== null && Math.abs(known.there + here - known.here - there) <= after - before;
  if (!isRight) known = { there, here };
}
