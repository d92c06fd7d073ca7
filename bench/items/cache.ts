/** A download from the cache of the node, in turns with one from the file store, which is as near as bytes can be. */
import { median } from '../measure/figures.ts';
import { type Served, startServed } from '../measure/served.ts';
import { downloadOnce, uploadLarge } from './download.ts';
import { administrator, deleteImages } from './images.ts';
import type { Parts } from './parts.ts';

/** Milliseconds between looks at the cache, and in which the image must be there. */
const everyMs = 200;
const patienceMs = 120_000;

async function untilCached({ url, adminToken }: Served): Promise<void> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const answer = await fetch(`${url}/v2/cache`, { headers: { 'X-Auth-Token': adminToken } });
    const { cached_images: cached } = (await answer.json()) as { cached_images: unknown[] };
    if (cached.length > 0) return;
    if (performance.now() > end) throw new Error('The image did not get into the cache.');
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

export async function cache({ served, scale, report }: Parts): Promise<void> {
  const settings = { cache: { enabled: true, maxSize: 2 * scale.large } };
  await using caching = await startServed([], { mode: 'tokens' }, [], settings);
  const [plain, kept] = [
    { served, scale },
    { served: caching, scale },
  ];
  const [stored, cached] = [await uploadLarge(plain), await uploadLarge(kept)];
  const filling = await downloadOnce(kept, cached);
  await untilCached(caching);
  type Run = Awaited<ReturnType<typeof downloadOnce>>;
  const pairs: { store: Run; cache: Run }[] = [];
  for (let round = 0; round < 3 * scale.repeats; round += 1)
    pairs.push({ store: await downloadOnce(plain, stored), cache: await downloadOnce(kept, cached) });
  await deleteImages(administrator(served), [stored]);
  await deleteImages(administrator(caching), [cached]);
  const middle = (pick: (pair: (typeof pairs)[number]) => number) => median(pairs.map(pick));
  report({ what: 'download that fills the cache', value: filling.rate, unit: 'MiB/s' });
  report({ what: 'processor time of that', value: filling.used, unit: 'CPU s/GiB' });
  report({ what: 'download from the file store', value: middle(({ store }) => store.rate), unit: 'MiB/s' });
  report({
    what: 'download from the cache as part of that',
    value: middle(({ store, cache: one }) => (one.rate / store.rate) * 100),
    unit: '%',
    target: { atLeast: 95 },
  });
  report({
    what: 'its processor time as part of that',
    value: middle(({ store, cache: one }) => (one.used / store.used) * 100),
    unit: '%',
    target: { atMost: 105 },
  });
}
