/** What exports have in the staging area: it counts for whoever asked, and goes when nobody works on it any more. */
import { sql } from 'kysely';
import type { Queries } from '../database/queries.ts';
import { factsOfFlows } from '../flows/flow-records.ts';
import { doomKeys, type Location } from '../locations/location-records.ts';
import type { Quotas } from '../policy/quotas.ts';
import { stagingStoreId } from '../stores/registry.ts';
import { mebibytes, requireRoom } from './quota-check.ts';

export interface ExportPlace {
  readonly key: string;
  /** Id of the action. */
  readonly action: string;
  readonly owner: string | null;
}

/** Before bytes are there, and again when there turn out to be more. Fails with quota_exceeded. */
export async function reserveExported(
  queries: Queries,
  quotas: Quotas,
  { key, action, owner }: ExportPlace,
  size: number,
): Promise<void> {
  const before = await queries
    .selectFrom('export_data')
    .select('size')
    .where('key', '=', key)
    .executeTakeFirst();
  const more = Math.max(0, size - (before?.size ?? 0));
  if (more > 0) await requireRoom(queries, quotas, owner, { image_stage_total: mebibytes(more) });
  await queries
    .insertInto('export_data')
    .values({ key, action, owner, size })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ size }))
    .execute();
}

/** Marks what may be under these keys for removal, recorded or not; may be repeated. */
export async function doomExported(
  queries: Queries,
  action: string,
  keys: readonly string[],
): Promise<Location[]> {
  await queries.deleteFrom('export_data').where('key', '=', sql<string>`ANY (${keys})`).execute();
  return await doomKeys(queries, { image_id: action, store: stagingStoreId }, keys);
}

/** All that is on record of an export. */
export async function doomExport(queries: Queries, action: string): Promise<Location[]> {
  const rows = await queries.selectFrom('export_data').select('key').where('action', '=', action).execute();
  return await doomExported(
    queries,
    action,
    rows.map(({ key }) => key),
  );
}

/** Unless its flow takes it away. */
export async function discardExport(queries: Queries, action: string): Promise<void> {
  if ((await factsOfFlows(queries, [action])).length === 0) await doomExport(queries, action);
}
