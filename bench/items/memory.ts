/** Memory of the server process under few fast and many slow streams. */
import type { SendJob, SendResult } from '../load/send.ts';
import type { TakeResult } from '../load/take.ts';
import { forgetPeakMemory, peakMemory } from '../measure/process-figures.ts';
import { startWorker } from '../measure/worker-process.ts';
import { uploadLarge } from './download.ts';
import { administrator, createImages, deleteImages } from './images.ts';
import type { Parts } from './parts.ts';

const mebibyte = 1024 * 1024;
const target = { atMost: 300 };
const slowRate = 1_000_000;
const slowStreams = 200;

async function sendAll(parts: Parts, count: number, size: Pick<SendJob, 'bytes' | 'rate'>, what: string) {
  const { served, report } = parts;
  const ids = await createImages(administrator(served), count);
  forgetPeakMemory(served.pid);
  const job = { url: served.url, token: served.adminToken, ids, ...size };
  await using sender = await startWorker<SendResult>({ work: 'send', ...job });
  const { seconds, statuses } = await sender.first;
  const peak = peakMemory(served.pid) / mebibyte;
  const succeeded = statuses.filter((status) => status === 204).length;
  await deleteImages(administrator(served), ids);
  report({ what: `${what}: succeeded`, value: succeeded, unit: `of ${count}`, target: { atLeast: count } });
  report({ what: `${what}: all together`, value: (count * size.bytes) / mebibyte / seconds, unit: 'MiB/s' });
  report({ what: `${what}: peak memory`, value: peak, unit: 'MiB', target });
}

async function takeSlowly(parts: Parts): Promise<void> {
  const { served, scale, report } = parts;
  const id = await uploadLarge(parts);
  forgetPeakMemory(served.pid);
  const slowly = { rate: slowRate, seconds: scale.slowSeconds };
  await using taker = await startWorker<TakeResult>({
    work: 'take',
    port: Number(new URL(served.url).port),
    path: `/v2/images/${id}/file`,
    token: served.adminToken,
    count: slowStreams,
    slowly,
  });
  const { downloads } = await taker.first;
  const peak = peakMemory(served.pid) / mebibyte;
  // A little less than all: the first and the last moment count as well.
  const expected = slowly.rate * slowly.seconds * 0.75;
  const kept = downloads.filter(({ status, bytes }) => status === 200 && bytes >= expected).length;
  await deleteImages(administrator(served), [id]);
  const what = `${slowStreams} downloads at 1 MB/s`;
  report({
    what: `${what}: kept up`,
    value: kept,
    unit: `of ${slowStreams}`,
    target: { atLeast: slowStreams },
  });
  report({ what: `${what}: peak memory`, value: peak, unit: 'MiB', target });
}

export async function memory(parts: Parts): Promise<void> {
  const { served, scale, report } = parts;
  report({ what: 'server memory at first, peak', value: peakMemory(served.pid) / mebibyte, unit: 'MiB' });
  await sendAll(parts, 4, { bytes: scale.large, rate: null }, '4 uploads at full speed');
  const slow = { bytes: slowRate * scale.slowSeconds, rate: slowRate };
  await sendAll(parts, slowStreams, slow, `${slowStreams} uploads at 1 MB/s`);
  await takeSlowly(parts);
}
