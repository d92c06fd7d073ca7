/** An image copied from one file store into another, beside a copy by `cp` and what verifying it costs at least. */
import { execFile } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { median } from '../measure/figures.ts';
import { hashRate } from '../measure/limits.ts';
import { processorSeconds } from '../measure/process-figures.ts';
import { startServed } from '../measure/served.ts';
import { uploadLarge } from './download.ts';
import { administrator, type Client, call, deleteImages } from './images.ts';
import type { Parts } from './parts.ts';

const run = promisify(execFile);
const mebibyte = 1024 * 1024;
const gibibyte = 1024 * mebibyte;
const everyMs = 20;

/** Of a file there: MiB a second until the copy is on the medium. */
async function rateOfCp(folder: string, bytes: number): Promise<number> {
  const [from, to] = [path.join(folder, 'cp-from'), path.join(folder, 'cp-to')];
  const file = await open(from, 'w');
  for (let done = 0; done < bytes; done += mebibyte) await file.write(Buffer.alloc(mebibyte, done));
  await file.sync();
  await file.close();
  const begun = performance.now();
  await run('cp', [from, to]);
  await run('sync', [to]);
  const seconds = (performance.now() - begun) / 1000;
  await rm(from);
  await rm(to);
  return bytes / mebibyte / seconds;
}

/** Resolves when the image is in both stores. */
async function copied(client: Client, id: string): Promise<void> {
  const order = { method: { name: 'copy-image' }, stores: ['two'] };
  await call(client, 'POST', `/v2/images/${id}/import`, order);
  for (;;) {
    const { tasks } = (await call(client, 'GET', `/v2/images/${id}/tasks`)) as {
      tasks: { type: string; status: string; message: string }[];
    };
    const task = tasks.find(({ type }) => type === 'api_image_import');
    if (task?.status === 'success') return;
    if (task?.status === 'failure') throw new Error(`The copy failed: ${task.message}`);
    await delay(everyMs);
  }
}

export async function copy({ scale, report }: Parts): Promise<void> {
  const stores = ['one', 'two'].map((id) => ({ id, type: 'file' }));
  await using served = await startServed([], { mode: 'tokens' }, [], { stores });
  const client = administrator(served);
  const runs: { rate: number; used: number; cp: number; hash: number }[] = [];
  for (let round = 0; round < scale.repeats; round += 1) {
    const cp = await rateOfCp(served.folder, scale.large);
    const hash = hashRate(scale.large);
    const id = await uploadLarge({ served, scale });
    const [before, begun] = [processorSeconds(served.pid), performance.now()];
    await copied(client, id);
    const rate = scale.large / mebibyte / ((performance.now() - begun) / 1000);
    const used = ((processorSeconds(served.pid) - before) / scale.large) * gibibyte;
    runs.push({ rate, used, cp, hash });
    await deleteImages(client, [id]);
  }
  const middle = (pick: (run: (typeof runs)[number]) => number) => median(runs.map(pick));
  report({ what: 'limit: cp, and sync of the copy', value: middle(({ cp }) => cp), unit: 'MiB/s' });
  report({ what: 'limit: md5 and sha512 on one core', value: middle(({ hash }) => hash), unit: 'MiB/s' });
  report({ what: 'copy-image between file stores', value: middle(({ rate }) => rate), unit: 'MiB/s' });
  report({
    what: 'that as part of the lower limit',
    value: middle(({ rate, cp, hash }) => (rate / Math.min(cp, hash)) * 100),
    unit: '%',
    target: { atLeast: 80 },
  });
  report({ what: 'server processor time', value: middle(({ used }) => used), unit: 'CPU s/GiB' });
}
