/** Image rows into the database, thousands at a time, with everything the server itself would write. */
import { sql } from 'kysely';
import type { Database } from '../../packages/server/src/database/connect.ts';
import type { Image } from '../../packages/server/src/images/image.ts';
import { searchTerms } from '../../packages/server/src/images/search-terms.ts';

const batchSize = 2000;

/** One statement; the columns are those of the table, so a row that lacks one is refused. */
async function insertBatch(database: Database, images: readonly Image[]): Promise<void> {
  const rows = images.map((image) => ({ ...image, search_terms: searchTerms(image) }));
  await sql`INSERT INTO images SELECT * FROM jsonb_populate_recordset(NULL::images, ${JSON.stringify(rows)}::jsonb)`.execute(
    database.db,
  );
}

/** Writes all rows, two batches at a time, then has the planner's statistics made. */
export async function insertImages(
  database: Database,
  rows: Iterable<Image>,
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
  await sql`VACUUM (ANALYZE) images`.execute(database.db);
}

function take(rows: Iterator<Image>, count: number): Image[] {
  const taken: Image[] = [];
  while (taken.length < count) {
    const step = rows.next();
    if (step.done) break;
    taken.push(step.value);
  }
  return taken;
}
