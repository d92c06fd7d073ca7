/** What to ask a seeded server for, with values that its images have. */
import { sql } from 'kysely';
import type { Database } from '../../packages/server/src/database/connect.ts';

export interface Samples {
  /** The project that owns most, and one in the middle. */
  readonly largeProject: string;
  readonly middleProject: string;
  /** The most frequent name, and one that few images have. */
  readonly commonName: string;
  readonly rareName: string;
  readonly names: readonly string[];
  readonly instances: readonly string[];
  readonly ids: readonly string[];
}

/** Fails when there are no images. */
export async function readSamples(database: Database): Promise<Samples> {
  const owners = await column(
    database,
    sql`SELECT owner AS value FROM images GROUP BY 1 ORDER BY count(*) DESC, 1`,
  );
  const names = await column(
    database,
    sql`SELECT name AS value FROM images WHERE visibility = 'public' GROUP BY 1 ORDER BY count(*) DESC, 1`,
  );
  const recent = sql`FROM images WHERE visibility = 'public' AND NOT os_hidden ORDER BY created_at DESC, id LIMIT 500`;
  return {
    largeProject: owners[0]!,
    middleProject: owners[Math.floor(owners.length / 2)]!,
    commonName: names[0]!,
    rareName: names.at(-1)!,
    names: await column(database, sql`SELECT name AS value ${recent}`),
    instances: await column(database, sql`SELECT properties ->> 'instance_uuid' AS value ${recent}`),
    ids: await column(database, sql`SELECT id AS value ${recent}`),
  };
}

async function column(database: Database, query: ReturnType<typeof sql>): Promise<string[]> {
  const { rows } = await query.execute(database.db);
  const values = (rows as { value: string | null }[])
    .map(({ value }) => value)
    .filter((value) => value !== null);
  if (values.length === 0) throw new Error('There are no images to take samples from.');
  return values;
}

export async function exampleQueries(database: Database): Promise<string> {
  const samples = await readSamples(database);
  const lastWeek = new Date(Date.now() - 7 * 24 * 3600 * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
  return [
    `Largest project: ${samples.largeProject}; one in the middle: ${samples.middleProject}`,
    'Queries to try:',
    '  /v2/images',
    `  /v2/images?name=${encodeURIComponent(samples.commonName)}`,
    `  /v2/images?name=${encodeURIComponent(samples.rareName)}`,
    '  /v2/images?os_distro=debian',
    `  /v2/images?instance_uuid=${samples.instances[0]}`,
    '  /v2/images?tag=production&tag=team-07&sort=created_at:desc&limit=1',
    `  /v2/images?updated_at=gte:${lastWeek}`,
    `  /v2/images/${samples.ids[0]}`,
    '',
  ].join('\n');
}
