/** One large upload: its rate beside that of hashing alone, and what other callers notice. */
import type { ProbeResult } from '../load/probe.ts';
import type { SendResult } from '../load/send.ts';
import { median, quantile } from '../measure/figures.ts';
import { diskRates, hashRate } from '../measure/limits.ts';
import { processorSeconds } from '../measure/process-figures.ts';
import { startWorker } from '../measure/worker-process.ts';
import { administrator, createImages, deleteImages } from './images.ts';
import type { Parts } from './parts.ts';

const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;

/** One upload, with its probe: MiB and processor seconds a GiB. */
export async function uploadOnce({ served, scale }: Parts) {
  const ids = await createImages(administrator(served), 1);
  await using probe = await startWorker<ProbeResult>({
    work: 'probe',
    url: served.url,
    path: '/healthcheck',
  });
  const before = processorSeconds(served.pid);
  await using sender = await startWorker<SendResult>({
    work: 'send',
    url: served.url,
    token: served.adminToken,
    ids,
    bytes: scale.large,
    rate: null,
  });
  const { seconds, statuses } = await sender.first;
  const used = processorSeconds(served.pid) - before;
  const { p50, p99 } = await probe.last(true);
  if (statuses[0] !== 204) throw new Error(`The upload was answered with ${statuses[0]}.`);
  await deleteImages(administrator(served), ids);
  return { rate: scale.large / mebibyte / seconds, used: (used / scale.large) * gibibyte, p50, p99 };
}

export async function upload(parts: Parts): Promise<void> {
  const { served, scale, report } = parts;
  const runs: (Awaited<ReturnType<typeof uploadOnce>> & { hash: number; write: number })[] = [];
  for (let round = 0; round < scale.repeats; round += 1) {
    // The limits before and after, so that whatever else the machine does slows down both alike.
    const hashBefore = hashRate(scale.large / 2);
    const run = await uploadOnce(parts);
    const hash = (hashBefore + hashRate(scale.large / 2)) / 2;
    const { write } = await diskRates(served.folder, scale.large);
    runs.push({ ...run, hash, write });
  }
  const middle = (pick: (run: (typeof runs)[number]) => number) => median(runs.map(pick));
  report({
    what: 'limit: md5 and sha512 in series on one core',
    value: middle(({ hash }) => hash),
    unit: 'MiB/s',
  });
  report({ what: 'limit: disk write, synced', value: middle(({ write }) => write), unit: 'MiB/s' });
  report({ what: 'upload', value: middle(({ rate }) => rate), unit: 'MiB/s' });
  report({
    what: 'upload as part of the hash rate',
    value: middle(({ rate, hash }) => (rate / hash) * 100),
    unit: '%',
    target: { atLeast: 60 },
  });
  report({ what: 'server processor time', value: middle(({ used }) => used), unit: 'CPU s/GiB' });
  report({ what: 'probe GET meanwhile, p50', value: middle(({ p50 }) => p50), unit: 'ms' });
  report({
    what: 'probe GET meanwhile, p99',
    value: middle(({ p99 }) => p99),
    unit: 'ms',
    target: { atMost: 25 },
  });
  const rates = runs.map(({ rate, hash }) => (rate / hash) * 100).sort((a, b) => a - b);
  report({ what: 'spread of the ratio: worst round', value: quantile(rates, 0), unit: '%' });
}
