/** `npm run bench:seed -- --config FILE --images N`: fills the database of a configuration with image rows. */
import { parseArgs } from 'node:util';
import { sql } from 'kysely';
import { createLog } from '../packages/server/src/base/log.ts';
import type { Database } from '../packages/server/src/database/connect.ts';
import { migrate } from '../packages/server/src/database/migrate.ts';
import { openBeside } from '../packages/server/src/database/open.ts';
import { readConfig } from '../packages/server/src/main.ts';
import { exampleQueries } from './seed/examples.ts';
import { imageRows } from './seed/image-rows.ts';
import { insertImages } from './seed/insert-images.ts';

const usage = 'Usage: npm run bench:seed -- [--config FILE] [--data DIR] --images N';

function readArguments(): { config?: string; data?: string; images: number } {
  const { values } = parseArgs({
    options: { config: { type: 'string' }, data: { type: 'string' }, images: { type: 'string' } },
  });
  const images = Number(values.images);
  if (!/^\d{1,9}$/.test(values.images ?? '') || images === 0) throw new Error(usage);
  return { ...values, images };
}

async function countImages(database: Database): Promise<number> {
  const { rows } = await sql<{ count: number }>`SELECT count(*) AS count FROM images`.execute(database.db);
  return rows[0]!.count;
}

/** Each run adds; what is there already decides which rows come next, so none comes twice. */
async function seed(database: Database, count: number): Promise<void> {
  const before = await countImages(database);
  const started = performance.now();
  let told = 0;
  await insertImages(database, imageRows(count, before, Date.now()), (done) => {
    const percent = Math.floor((done / count) * 10) * 10;
    if (percent > told) process.stdout.write(`${done} images (${percent} %)\n`);
    told = percent;
  });
  const seconds = (performance.now() - started) / 1000;
  const after = await countImages(database);
  process.stdout.write(
    `Added ${count} images in ${seconds.toFixed(1)} s; the database now holds ${after}.\n`,
  );
}

async function main(): Promise<void> {
  const options = readArguments();
  const config = await readConfig(options);
  const log = createLog('error');
  const opened = await openBeside({ url: config.database.url, dataDir: config.dataDir }, log);
  try {
    await migrate(opened.database, { log });
    await seed(opened.database, options.images);
    process.stdout.write(await exampleQueries(opened.database));
  } finally {
    await opened.close();
  }
}

await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
});
