/** Image rows into the database, thousands at a time, with everything the server itself would write. */
import { sql } from 'kysely';
import type { Database } from '../../packages/server/src/database/connect.ts';
import { searchTerms } from '../../packages/server/src/images/search-terms.ts';
import type { Row } from './image-rows.ts';

const batchSize = 2000;

/** The columns are those of the tables, so a row that lacks one is refused. */
async function insertBatch({ db }: Database, rows: readonly Row[]): Promise<void> {
  const images = JSON.stringify(rows.map(({ image }) => ({ ...image, search_terms: searchTerms(image) })));
  const memberships = JSON.stringify(rows.flatMap((row) => row.memberships));
  await sql`INSERT INTO images SELECT * FROM jsonb_populate_recordset(NULL::images, ${images}::jsonb)`.execute(
    db,
  );
  await sql`INSERT INTO image_members SELECT * FROM jsonb_populate_recordset(NULL::image_members, ${memberships}::jsonb)`.execute(
    db,
  );
}

/** Writes all rows, two batches at a time, then has the planner's statistics made. */
export async function insertImages(
  database: Database,
  rows: Iterable<Row>,
  onProgress: (done: number) => void,
): Promise<void> {
  const iterator = rows[Symbol.iterator]();
  let done = 0;
  const work = async () => {
    for (let batch = take(iterator, batchSize); batch.length > 0; batch = take(iterator, batchSize)) {
      await insertBatch(database, batch);
      done += batch.length;
      onProgress(done);
    }
  };
  await Promise.all([work(), work()]);
  await sql`VACUUM (ANALYZE) images, image_members, image_tags`.execute(database.db);
}

function take(rows: Iterator<Row>, count: number): Row[] {
  const taken: Row[] = [];
  while (taken.length < count) {
    const step = rows.next();
    if (step.done) break;
    taken.push(step.value);
  }
  return taken;
}
