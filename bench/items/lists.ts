/** Lists and records of a database full of images: every kind of question, for every kind of caller. */

import { createLog } from '../../packages/server/src/base/log.ts';
import { openBeside } from '../../packages/server/src/database/open.ts';
import { readConfig } from '../../packages/server/src/main.ts';
import type { CallJob, CallResult } from '../load/call.ts';
import { bareAnswerRate } from '../measure/limits.ts';
import { familySeconds, processorSeconds } from '../measure/process-figures.ts';
import type { Served } from '../measure/served.ts';
import { startWorker } from '../measure/worker-process.ts';
import { readSamples, type Samples } from '../seed/examples.ts';
import type { Parts } from './parts.ts';
import { seedImages } from './seed-images.ts';
import { walkAllPages } from './walk.ts';

const callers = 16;
const dayMs = 24 * 3600 * 1000;

interface Who {
  readonly name: string;
  readonly token: string;
}

async function samplesOf(served: Served): Promise<Samples> {
  const config = await readConfig({ config: served.config });
  const place = { url: config.database.url, dataDir: config.dataDir };
  const opened = await openBeside(place, createLog('error'));
  try {
    return await readSamples(opened.database);
  } finally {
    await opened.close();
  }
}

function questions(samples: Samples): { what: string; paths: string[] }[] {
  const ago = (days: number) => new Date(Date.now() - days * dayMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const by = (name: string, values: readonly string[]) =>
    values.map((value) => `/v2/images?${name}=${encodeURIComponent(value)}`);
  // Those who ask the same at the same time have one answer: here no two do. No image is smaller.
  const apart = (path: string) =>
    Array.from(
      { length: callers },
      (_, caller) => `${path}${path.includes('?') ? '&' : '?'}size_min=${caller}`,
    );
  const [debian] = by('os_distro', ['debian']) as [string];
  const [yesterday] = by('updated_at', [`gte:${ago(1)}`]) as [string];
  return [
    { what: 'list page', paths: ['/v2/images'] },
    { what: 'list page, none the same', paths: apart('/v2/images') },
    { what: 'by name, common', paths: by('name', [samples.commonName]) },
    { what: 'by name, any', paths: by('name', samples.names) },
    { what: 'by property, common', paths: [debian] },
    { what: 'by property, common, none the same', paths: apart(debian) },
    { what: 'by property, unique', paths: by('instance_uuid', samples.instances) },
    { what: 'by tag, common', paths: by('tag', ['production']) },
    { what: 'by tag, one in sixty', paths: by('tag', ['team-07', 'team-31', 'team-55']) },
    {
      what: 'latest with two tags',
      paths: ['/v2/images?tag=production&tag=team-07&sort=created_at:desc&limit=1'],
    },
    { what: 'updated_at=gte: now', paths: by('updated_at', [`gte:${ago(0)}`]) },
    { what: 'updated_at=gte: yesterday', paths: [yesterday] },
    { what: 'updated_at=gte: yesterday, none the same', paths: apart(yesterday) },
    { what: 'updated_at=gte: half a year ago', paths: by('updated_at', [`gte:${ago(180)}`]) },
  ];
}

async function callServer(
  { served, scale }: Parts,
  who: Who,
  paths: readonly string[],
  rate: number | null,
): Promise<CallResult> {
  const requests = paths.map((path) => ({ path, token: who.token }));
  const job: CallJob = { url: served.url, requests, callers, seconds: scale.listSeconds, rate };
  await using worker = await startWorker<CallResult>({ work: 'call', ...job });
  const result = await worker.first;
  if (result.failed > 0)
    throw new Error(`${result.failed} of ${result.answers} answers to ${paths[0]} failed.`);
  return result;
}

/** Rate and delay at full speed, then the delay at the rate that is promised. */
async function ask(parts: Parts, who: Who, what: string, paths: readonly string[]): Promise<void> {
  const { served, report } = parts;
  const before = { server: processorSeconds(served.pid), database: familySeconds(served.postmaster) };
  const { answers, allAnswers, seconds, p50, p99, used } = await callServer(parts, who, paths, null);
  const name = `${who.name}, ${what}`;
  report({ what: name, value: answers / seconds, unit: '/s', target: { atLeast: 400 } });
  report({ what: '  p50', value: p50, unit: 'ms' });
  report({ what: '  p99', value: p99, unit: 'ms', target: { atMost: 15 } });
  const server = ((processorSeconds(served.pid) - before.server) / allAnswers) * 1e6;
  const database = ((familySeconds(served.postmaster) - before.database) / allAnswers) * 1e6;
  report({ what: '  processor time: server', value: server, unit: 'µs each' });
  report({ what: '  processor time: PostgreSQL', value: database, unit: 'µs each' });
  report({ what: '  processor time: the callers', value: (used / allAnswers) * 1e6, unit: 'µs each' });
  const steady = await callServer(parts, who, paths, 400);
  report({ what: '  p50 at 400/s', value: steady.p50, unit: 'ms' });
  report({ what: '  p99 at 400/s', value: steady.p99, unit: 'ms', target: { atMost: 15 } });
}

export async function lists(parts: Parts): Promise<void> {
  const { served, scale, report } = parts;
  await seedImages(served, scale.images);
  const samples = await samplesOf(served);
  const people: Who[] = [
    { name: 'member of the largest project', token: await served.memberToken(samples.largeProject) },
    { name: 'member of a middle project', token: await served.memberToken(samples.middleProject) },
    { name: 'administrator', token: served.adminToken },
  ];
  const bare = (bytes: number) => bareAnswerRate(bytes, callers, scale.listSeconds);
  report({ what: 'limit: bare HTTP answers of a page (28 KiB)', value: await bare(28 * 1024), unit: '/s' });
  report({ what: 'limit: bare HTTP answers of a record (1 KiB)', value: await bare(1024), unit: '/s' });
  for (const who of people)
    for (const { what, paths } of questions(samples)) await ask(parts, who, what, paths);
  for (const who of people) {
    const { answers, seconds } = await callServer(
      parts,
      who,
      samples.ids.map((id) => `/v2/images/${id}`),
      null,
    );
    report({ what: `${who.name}, show`, value: answers / seconds, unit: '/s', target: { atLeast: 2000 } });
  }
  for (const who of people) await walkAllPages(parts, who.name, who.token);
}
