/** One large download: processor time, and its rate beside that of the loopback interface. */
import type { SendResult } from '../load/send.ts';
import type { TakeResult } from '../load/take.ts';
import { median } from '../measure/figures.ts';
import { diskRates, loopbackRate } from '../measure/limits.ts';
import { processorSeconds } from '../measure/process-figures.ts';
import { startWorker } from '../measure/worker-process.ts';
import { administrator, createImages, deleteImages } from './images.ts';
import type { Parts } from './parts.ts';

const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;

/** The id of a large image with its data. */
export async function uploadLarge({ served, scale }: Pick<Parts, 'served' | 'scale'>): Promise<string> {
  const [id] = await createImages(administrator(served), 1);
  const job = { url: served.url, token: served.adminToken, ids: [id!], bytes: scale.large, rate: null };
  await using sender = await startWorker<SendResult>({ work: 'send', ...job });
  const { statuses } = await sender.first;
  if (statuses[0] !== 204) throw new Error(`The upload was answered with ${statuses[0]}.`);
  return id!;
}

/** MiB a second, and the server's processor seconds for a GiB. */
export async function downloadOnce({ served, scale }: Pick<Parts, 'served' | 'scale'>, id: string) {
  const before = processorSeconds(served.pid);
  await using taker = await startWorker<TakeResult>({
    work: 'take',
    port: Number(new URL(served.url).port),
    path: `/v2/images/${id}/file`,
    token: served.adminToken,
  });
  const { seconds, downloads } = await taker.first;
  const [{ status, bytes }] = downloads as [TakeResult['downloads'][number]];
  if (status !== 200 || bytes !== scale.large)
    throw new Error(`The download gave ${status}, ${bytes} bytes.`);
  const used = ((processorSeconds(served.pid) - before) / scale.large) * gibibyte;
  return { rate: scale.large / mebibyte / seconds, used };
}

export async function download(parts: Parts): Promise<void> {
  const { served, scale, report } = parts;
  const id = await uploadLarge(parts);
  const runs: { rate: number; used: number; loopback: number; read: number }[] = [];
  for (let round = 0; round < scale.repeats; round += 1) {
    const loopback = await loopbackRate(scale.large);
    const { read } = await diskRates(served.folder, scale.large);
    runs.push({ ...(await downloadOnce(parts, id)), loopback, read });
  }
  await deleteImages(administrator(served), [id]);
  const middle = (pick: (run: (typeof runs)[number]) => number) => median(runs.map(pick));
  report({ what: 'limit: loopback', value: middle(({ loopback }) => loopback), unit: 'MiB/s' });
  report({ what: 'limit: reading a file from memory', value: middle(({ read }) => read), unit: 'MiB/s' });
  report({ what: 'download', value: middle(({ rate }) => rate), unit: 'MiB/s' });
  report({
    what: 'download as part of the loopback rate',
    value: middle(({ rate, loopback }) => (rate / loopback) * 100),
    unit: '%',
  });
  report({
    what: 'server processor time',
    value: middle(({ used }) => used),
    unit: 'CPU s/GiB',
    target: { atMost: 0.6 },
  });
}
