/** Images that have been as they are for too long, and that nobody works on. */
import { sql } from 'kysely';
import type { Queries } from '../database/queries.ts';
import { factsOfFlows } from '../flows/flow-records.ts';
import { viewFlow } from '../flows/flow-state.ts';

export type UnfinishedStatus = 'queued' | 'saving' | 'uploading' | 'importing';

export interface Overdue {
  readonly status: UnfinishedStatus | 'killed';
  /** Milliseconds since anything about the image changed, by the database's clock. */
  readonly ageMs: number;
}

/** Ids in their order, those after `after`; only `id` if given. What is being uploaded is not among them. */
export async function overdueImages(
  queries: Queries,
  { status, ageMs }: Overdue,
  range: { readonly after: string | null; readonly most: number } | { readonly id: string },
): Promise<string[]> {
  let query = queries
    .selectFrom('images')
    .select('id')
    .where('status', '=', status)
    .where(sql<boolean>`updated_at < now() - ${ageMs} * interval '1 millisecond'`)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('uploads').select('uploads.id').whereRef('image_id', '=', 'images.id'))),
    )
    .orderBy('id');
  // Others that are importing have their data somewhere already, and are seen to by checks of their own.
  if (status === 'importing') query = query.where(sql<boolean>`properties ? 'os_glance_import_task'`);
  if ('id' in range) query = query.where('id', '=', range.id);
  else {
    query = query.limit(range.most);
    if (range.after !== null) query = query.where('id', '>', range.after);
  }
  return (await query.execute()).map(({ id }) => id);
}

/** Whether a flow has this image in hand or will have: stalled ones are taken up by another worker. */
export async function isWorkedOn(queries: Queries, imageId: string): Promise<boolean> {
  const flows = await queries.selectFrom('flows').select('id').where('subject', '=', imageId).execute();
  const facts = await factsOfFlows(
    queries,
    flows.map(({ id }) => id),
  );
  return facts.some((one) => ['waiting', 'running', 'stalled'].includes(viewFlow(one).state));
}
