/** Uploads and downloads of one object store, in turns with the same bytes moved by that store's own command; and memory. */
import { randomFillSync } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import { type StoreServer, startStoreServer } from '../../test/services/store-server.ts';
import type { SendResult } from '../load/send.ts';
import type { TakeResult } from '../load/take.ts';
import { median } from '../measure/figures.ts';
import { hashRate, loopbackRate } from '../measure/limits.ts';
import { forgetPeakMemory, peakMemory, processorSeconds } from '../measure/process-figures.ts';
import { type Served, startServed } from '../measure/served.ts';
import { leastSeconds, storeSeconds } from '../measure/upload-limit.ts';
import { startWorker } from '../measure/worker-process.ts';
import { administrator, createImages, deleteImages } from './images.ts';
import type { Item, Parts } from './parts.ts';
import { missingProgram, type StoreTool, storeTools, timed } from './store-tools.ts';

const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;
/** Uploads, and downloads, at once when memory is measured. */
const streams = 4;

export const s3 = itemOf('s3', storeTools.s3);
export const swift = itemOf('swift', storeTools.swift);
export const rbd = itemOf('rbd', storeTools.rbd);

interface Bench extends Parts {
  readonly name: string;
  readonly tool: StoreTool;
  readonly server: StoreServer;
  /** The size of an image, and a file with as many bytes. */
  readonly bytes: number;
  readonly file: string;
}

function itemOf(name: string, tool: StoreTool): Item {
  return async (parts) => {
    const missing = await missingProgram(tool);
    if (missing !== null) return parts.tell(`left out: ${missing} is not installed`);
    const server = await startStoreServer(tool.kind);
    try {
      const stores = [{ id: name, ...tool.settings(server) }];
      await using served = await startServed([], { mode: 'tokens' }, [], { stores });
      const bytes = parts.scale.large / 2;
      const file = await randomFile(served.folder, bytes);
      await measure({ ...parts, served, name, tool, server, bytes, file });
    } finally {
      await server.close();
    }
  };
}

async function randomFile(folder: string, bytes: number): Promise<string> {
  const name = path.join(folder, 'bytes');
  const file = await open(name, 'w');
  for (let done = 0; done < bytes; done += mebibyte)
    await file.write(randomFillSync(Buffer.allocUnsafe(mebibyte)));
  await file.sync();
  await file.close();
  return name;
}

async function measure(bench: Bench): Promise<void> {
  const { scale, report, tool, bytes, served } = bench;
  // An upload has both digests made, a download that of sha512: its own command makes neither.
  report({ what: 'limit: md5 and sha512 on one core', value: hashRate(bytes), unit: 'MiB/s' });
  const rounds: Awaited<ReturnType<typeof oneRound>>[] = [];
  for (let round = 0; round < scale.repeats; round += 1) rounds.push(await oneRound(bench));
  const middle = (pick: (run: (typeof rounds)[number]) => number) => median(rounds.map(pick));
  const [program] = tool.programs;
  report({
    what: `limit: upload as part of that by ${program}`,
    value: middle((run) => (run.toolUp / run.least) * 100),
    unit: '%',
  });
  for (const [what, ours, theirs] of [
    ['upload', 'up', 'toolUp'],
    ['download', 'down', 'toolDown'],
  ] as const) {
    const rate = (seconds: number) => bytes / mebibyte / seconds;
    report({ what: `${what} by ${program}`, value: middle((run) => rate(run[theirs])), unit: 'MiB/s' });
    report({ what, value: middle((run) => rate(run[ours])), unit: 'MiB/s' });
    report({
      what: `${what} as part of that by ${program}`,
      value: middle((run) => (run[theirs] / run[ours]) * 100),
      unit: '%',
      target: { atLeast: 80 },
    });
  }
  for (const [what, used] of [
    ['uploads', 'upUsed'],
    ['downloads', 'downUsed'],
  ] as const)
    report({
      what: `server processor time of ${what}`,
      value: middle((run) => run[used]),
      unit: 'CPU s/GiB',
    });
  await measureMemory(bench, served);
  await rm(bench.file);
}

/** Seconds of each, and the processor seconds that our server uses for a GiB. */
async function oneRound({ served, tool, server, bytes, file }: Bench) {
  const env = tool.env(server);
  const hashing = bytes / mebibyte / hashRate(bytes / 2);
  const carrying = bytes / mebibyte / (await loopbackRate(bytes));
  const begun = storeSeconds(path.join(server.folder, 'run'));
  const toolUp = await timed(tool.upload(server, file), env);
  const toolUsed = storeSeconds(path.join(server.folder, 'run')) - begun;
  const least = leastSeconds({ seconds: toolUp, used: toolUsed, hashing, carrying });
  const ids = await createImages(administrator(served), 1);
  const first = processorSeconds(served.pid);
  const up = await sent(served, ids, bytes);
  const upUsed = ((processorSeconds(served.pid) - first) / bytes) * gibibyte;
  const toolDown = await timed(tool.download(server), env);
  const second = processorSeconds(served.pid);
  const down = await taken(served, ids[0]!, bytes, 1);
  const downUsed = ((processorSeconds(served.pid) - second) / bytes) * gibibyte;
  await timed(tool.remove(server), env);
  await deleteImages(administrator(served), ids);
  return { up, toolUp, upUsed, down, toolDown, downUsed, least };
}

async function sent(served: Served, ids: readonly string[], bytes: number): Promise<number> {
  const job = { url: served.url, token: served.adminToken, ids, bytes, rate: null };
  await using sender = await startWorker<SendResult>({ work: 'send', ...job });
  const { seconds, statuses } = await sender.first;
  const failed = statuses.find((status) => status !== 204);
  if (failed !== undefined) throw new Error(`An upload was answered with ${failed}.`);
  return seconds;
}

async function taken(served: Served, id: string, bytes: number, count: number): Promise<number> {
  await using taker = await startWorker<TakeResult>({
    work: 'take',
    port: Number(new URL(served.url).port),
    path: `/v2/images/${id}/file`,
    token: served.adminToken,
    count,
  });
  const { seconds, downloads } = await taker.first;
  const failed = downloads.find((one) => one.status !== 200 || one.bytes !== bytes);
  if (failed !== undefined) throw new Error(`A download gave ${failed.status}, ${failed.bytes} bytes.`);
  return seconds;
}

/** Above what the server has when nothing is under way, for each stream. */
async function measureMemory({ report, bytes }: Bench, served: Served): Promise<void> {
  const each = async (work: () => Promise<unknown>) => {
    forgetPeakMemory(served.pid);
    const before = peakMemory(served.pid);
    await work();
    return (peakMemory(served.pid) - before) / mebibyte / streams;
  };
  const ids = await createImages(administrator(served), streams);
  const target = { atMost: 64 };
  for (const [what, value] of [
    ['upload', await each(() => sent(served, ids, bytes / 2))],
    ['download', await each(() => taken(served, ids[0]!, bytes / 2, streams))],
  ] as const)
    report({ what: `memory of each of ${streams} ${what}s at once`, value, unit: 'MiB', target });
  await deleteImages(administrator(served), ids);
}
