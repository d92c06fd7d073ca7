/** Page after page to the end: whether the last pages cost more than the first. */
import { HttpCaller } from '../load/http-caller.ts';
import { median } from '../measure/figures.ts';
import type { Parts } from './parts.ts';

const pageSize = 100;

interface Page {
  readonly images: readonly unknown[];
  readonly next?: string;
}

export async function walkAllPages({ served, report }: Parts, name: string, token: string): Promise<void> {
  const caller = await HttpCaller.open(new URL(served.url));
  const times: number[] = [];
  let images = 0;
  const begun = performance.now();
  for (let next: string | undefined = `/v2/images?limit=${pageSize}`; next !== undefined; ) {
    const answer = await caller.send(caller.request(next, token), true);
    if (answer.status !== 200) throw new Error(`${next} was answered with ${answer.status}.`);
    const page = JSON.parse(answer.body!.toString()) as Page;
    times.push(answer.ms);
    images += page.images.length;
    next = page.next;
  }
  const seconds = (performance.now() - begun) / 1000;
  caller.close();
  const tenth = Math.max(1, Math.floor(times.length / 10));
  const ratio = median(times.slice(-tenth)) / median(times.slice(0, tenth));
  report({ what: `${name}, walk of all pages`, value: images / seconds, unit: 'images/s' });
  report({ what: '  pages', value: times.length, unit: `of ${pageSize}` });
  report({
    what: '  last tenth of the pages beside the first',
    value: ratio,
    unit: 'times the time',
    target: { atMost: 1.5 },
  });
}
