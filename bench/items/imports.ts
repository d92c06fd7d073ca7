/** Imports: how soon one begins, how many two workers carry out, what an idle worker asks, and whether downloads feel any of it. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { ProbeResult } from '../load/probe.ts';
import type { SendResult } from '../load/send.ts';
import { startBeside } from '../measure/beside.ts';
import { countStatements } from '../measure/counted-database.ts';
import { type DatabasePlace, databasePlace, urlOf } from '../measure/database-place.ts';
import { median } from '../measure/figures.ts';
import { familySeconds, processorSeconds } from '../measure/process-figures.ts';
import { type Served, startServed } from '../measure/served.ts';
import { startWorker } from '../measure/worker-process.ts';
import { administrator, type Client, createImages } from './images.ts';
import type { Parts } from './parts.ts';

const small = Buffer.alloc(4096, 'small image ');
const downloaded = 1024 * 1024;
/** Rounds of downloads with imports and without, by turns. */
const rounds = 3;
/** They share the workers: one alone gets some of their time only. */
const projects = 8;

export async function imports({ scale, report }: Parts): Promise<void> {
  // The API of its own process has no worker in it.
  await using served = await startServed([], { mode: 'tokens' }, ['--role', 'api']);
  const place = await databasePlace(`${served.folder}/data`);
  const database = new pg.Client({ connectionString: urlOf(place) });
  await database.connect();
  try {
    const owners: Client[] = [];
    for (let index = 0; index < projects; index += 1)
      owners.push({ url: served.url, token: await served.memberToken(`project-${index}`) });
    const bench: Bench = { served, owners, database, place, report };
    await measureIdle(bench, scale.slowSeconds);
    await measureThroughput(bench, scale.imports);
    await measureDownloads(bench, scale.imports);
  } finally {
    await database.end();
  }
}

interface Bench extends Pick<Parts, 'report' | 'served'> {
  readonly owners: readonly Client[];
  readonly database: pg.Client;
  readonly place: DatabasePlace;
}

async function measureIdle(
  { served, owners, database, place, report }: Bench,
  seconds: number,
): Promise<void> {
  await using counted = await countStatements(place);
  await using _worker = await startBeside(served, 'idle', counted.place);
  const waits: number[] = [];
  for (const one of await stagedImages(owners, 20)) {
    await startImport(one);
    await untilDone(database);
    waits.push(await waitOf(database, one.id));
  }
  waits.sort((a, b) => a - b);
  report({
    what: 'from the request to the first step, nothing else to do: p50',
    value: median(waits),
    unit: 'ms',
    target: { atMost: 150 },
  });
  report({ what: '  longest of 20', value: waits.at(-1)!, unit: 'ms' });
  const before = counted.statements();
  await delay(seconds * 1000);
  report({
    what: 'statements of a worker with nothing to do',
    value: (counted.statements() - before) / seconds,
    unit: 'a second',
    target: { atMost: 20 },
  });
}

async function measureThroughput({ served, owners, database, report }: Bench, count: number): Promise<void> {
  await using one = await startBeside(served, 'one');
  await using two = await startBeside(served, 'two');
  const both = [one.pid, two.pid];
  const used = () => both.reduce((sum, pid) => sum + processorSeconds(pid), familySeconds(served.postmaster));
  // What is measured is work that goes on, not the first seconds of a process.
  for (const one of await stagedImages(owners, Math.ceil(count / 2))) await startImport(one);
  await untilDone(database);
  // They stand still until all is there to be done, so that they are what is measured.
  for (const pid of both) process.kill(pid, 'SIGSTOP');
  for (const one of await stagedImages(owners, count)) await startImport(one);
  const before = used();
  const begun = performance.now();
  for (const pid of both) process.kill(pid, 'SIGCONT');
  await untilDone(database);
  const seconds = (performance.now() - begun) / 1000;
  report({
    what: 'small imports, two workers',
    value: count / seconds,
    unit: 'a second',
    target: { atLeast: 100 },
  });
  report({
    what: '  processor time, PostgreSQL and all',
    value: ((used() - before) / count) * 1000,
    unit: 'CPU ms each',
    // Two processors have so much time for a hundred a second.
    target: { atMost: 20 },
  });
}

async function measureDownloads(bench: Bench, count: number): Promise<void> {
  const { served, owners, database, report } = bench;
  const [id] = await createImages(administrator(served), 1);
  const sending = { url: served.url, token: served.adminToken, ids: [id!], bytes: downloaded, rate: null };
  await using sender = await startWorker<SendResult>({ work: 'send', ...sending });
  await sender.first;
  await using _worker = await startBeside(served, 'working');
  const pairs: { quiet: ProbeResult; busy: ProbeResult }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const staged = await stagedImages(owners, count);
    const begun = performance.now();
    const busy = await probe(served, id!, async () => {
      for (const one of staged) await startImport(one);
      await untilDone(database);
    });
    const ms = performance.now() - begun;
    pairs.push({ busy, quiet: await probe(served, id!, () => delay(ms)) });
  }
  const middle = (pick: (pair: (typeof pairs)[number]) => number) => median(pairs.map(pick));
  report({
    what: 'download of 1 MiB, nothing else to do: p99',
    value: middle(({ quiet }) => quiet.p99),
    unit: 'ms',
  });
  report({ what: '  while another process imports: p99', value: middle(({ busy }) => busy.p99), unit: 'ms' });
  report({
    what: '  beside each other',
    value: middle(({ quiet, busy }) => busy.p99 / quiet.p99),
    unit: 'times',
    target: { atMost: 1.2 },
  });
}

async function probe(served: Served, id: string, during: () => Promise<unknown>): Promise<ProbeResult> {
  const job = { url: served.url, path: `/v2/images/${id}/file`, token: served.adminToken };
  await using prober = await startWorker<ProbeResult>({ work: 'probe', ...job });
  await during();
  return await prober.last(true);
}

interface Staged {
  readonly id: string;
  readonly owner: Client;
}

async function ask(client: Client, method: string, path: string, body: Buffer | string, type: string) {
  const headers = { 'X-Auth-Token': client.token, 'Content-Type': type };
  const answer = await fetch(`${client.url}${path}`, { method, headers, body });
  if (!answer.ok) throw new Error(`${method} ${path} was answered with ${answer.status}.`);
  await answer.arrayBuffer();
}

/** Images of so many, by turns, that have their data. */
async function stagedImages(owners: readonly Client[], count: number): Promise<Staged[]> {
  const staged: Staged[] = [];
  for (let index = 0; index < count; index += 1) {
    const owner = owners[index % owners.length]!;
    const [id] = await createImages(owner, 1);
    await ask(owner, 'PUT', `/v2/images/${id}/stage`, small, 'application/octet-stream');
    staged.push({ id: id!, owner });
  }
  return staged;
}

async function startImport({ id, owner }: Staged): Promise<void> {
  const order = JSON.stringify({ method: { name: 'glance-direct' } });
  await ask(owner, 'POST', `/v2/images/${id}/import`, order, 'application/json');
}

async function openImports(database: pg.Client): Promise<number> {
  const { rows } = await database.query(
    `SELECT count(*)::int AS open FROM images WHERE status = 'importing'`,
  );
  return rows[0].open;
}

async function untilDone(database: pg.Client): Promise<void> {
  while ((await openImports(database)) > 0) await delay(100);
}

/** Milliseconds, by the database's clock. */
async function waitOf(database: pg.Client, image: string): Promise<number> {
  const { rows } = await database.query(
    `SELECT extract(epoch FROM min(started_at) - flows.created_at)::float8 * 1000 AS ms
     FROM flows JOIN flow_attempts ON flow_attempts.flow = flows.id WHERE subject = $1 GROUP BY flows.id`,
    [image],
  );
  return rows[0].ms;
}
