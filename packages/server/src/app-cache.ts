/** The cache of this node, opened as the configuration says, with what keeps it in order. */
import { hostname } from 'node:os';
import path from 'node:path';
import { CacheBook } from './cache/book.ts';
import { ImageCache } from './cache/cache.ts';
import { enrolNode, goneImages } from './cache/cache-records.ts';
import { CacheFolder } from './cache/folder.ts';
import { CacheQueue } from './cache/queue.ts';
import type { Config } from './config/schema.ts';
import { Prefetch } from './images/caching/prefetch.ts';
import { imageDeleted } from './images/delete.ts';
import type { ImageParts } from './images/parts.ts';
import { type Periodic, startPeriodic } from './upkeep/periodic.ts';

/** Milliseconds after which what was read is written down, and between looks for what is to be verified again. */
const writeEveryMs = 10_000;
const verifyEveryMs = 60_000;

const units: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

function bytesOf(size: number | string): number {
  return typeof size === 'number' ? size : Number.parseInt(size, 10) * (units[size.slice(-3)] ?? 1);
}

function nodeUrl({ cache, listen }: Config): string {
  if (cache.nodeUrl !== null) return cache.nodeUrl.replace(/\/+$/, '');
  return `http://${listen.replace(/^(0\.0\.0\.0|\[::\])(?=:)/, hostname())}`;
}

type Parts = Pick<ImageParts, 'database' | 'session' | 'stores' | 'settings' | 'log'>;

/** Null when it is not enabled. It closes with `opening`. */
export async function openCache(
  config: Config,
  parts: Parts,
  opening: AsyncDisposableStack,
): Promise<ImageCache | null> {
  if (!config.cache.enabled) return null;
  const { database, session, log } = parts;
  const place = config.cache.path ?? path.join(config.dataDir, 'cache');
  const folder = await CacheFolder.open(place, { listen: config.listen });
  opening.defer(() => folder.close());
  const enrol = () =>
    enrolNode(database, { id: folder.node, url: nodeUrl(config), process: session.processNumber });
  await enrol();
  let writing: Periodic | undefined;
  const book = new CacheBook(database, folder.node, () => writing?.hurry());
  const queue = new CacheQueue(database, folder.node);
  const maxSize = bytesOf(config.cache.maxSize);
  const cache = await ImageCache.open({ folder, book, queue, log, maxSize });
  const forgetGone = async () => {
    const ids = cache.entries.map(({ image }) => image.id);
    for (const id of await goneImages(database, ids)) await cache.drop(id);
  };
  await forgetGone();
  const verifying = startPeriodic('cache verification', verifyEveryMs, log, () => cache.verify());
  writing = startPeriodic('cache records', writeEveryMs, log, () => book.write());
  const lost = (err: unknown) => log.error({ err }, 'the cache could not be put in order');
  session.on(imageDeleted, ({ id }) => void cache.drop(String(id)).catch(lost));
  session.onReconnect(() => void enrol().then(forgetGone).catch(lost));
  const prefetch = new Prefetch(parts, cache);
  opening.defer(async () => {
    await cache.close();
    await Promise.all([prefetch.close(), verifying.stop(), writing.stop()]);
    await book.write().catch(lost);
  });
  return cache;
}
