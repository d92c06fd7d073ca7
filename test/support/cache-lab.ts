/** A cache for tests, on a folder and a database of its own, and origins that count how often they are asked. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLog } from '../../packages/server/src/base/log.ts';
import { CacheBook } from '../../packages/server/src/cache/book.ts';
import { ImageCache } from '../../packages/server/src/cache/cache.ts';
import { enrolNode } from '../../packages/server/src/cache/cache-records.ts';
import type { ImageFacts } from '../../packages/server/src/cache/entry.ts';
import { CacheFolder } from '../../packages/server/src/cache/folder.ts';
import { CacheQueue } from '../../packages/server/src/cache/queue.ts';
import type { Origin } from '../../packages/server/src/cache/read.ts';
import { connect, type Database } from '../../packages/server/src/database/connect.ts';
import { slice, stream } from '../../packages/server/src/stores/contract/bytes.ts';
import type { ByteRange } from '../../packages/server/src/stores/store.ts';
import { testDatabase } from './database.ts';

const log = createLog('silent');

/** One cache that is open. */
export interface OpenCache {
  readonly cache: ImageCache;
  readonly book: CacheBook;
  readonly node: string;
  close(): Promise<void>;
}

export interface CacheLab {
  readonly database: Database;
  freshFolder(): string;
  /** Of at most `maxSize` bytes, 64 MiB unless given. */
  open(at: string, options?: { maxSize?: number; stallMs?: number }): Promise<OpenCache>;
  close(): Promise<void>;
}

export async function openCacheLab(): Promise<CacheLab> {
  const own = await testDatabase();
  const database = await connect(own.config, { max: 4, applicationName: 'test', log });
  const root = mkdtempSync(path.join(tmpdir(), 'tintype-cache-'));
  let folders = 0;
  return {
    database,
    freshFolder() {
      folders += 1;
      return path.join(root, String(folders));
    },
    async open(at, { maxSize = 64 * 1024 * 1024, stallMs = 60_000 } = {}) {
      const folder = await CacheFolder.open(at, { listen: 'test' });
      await enrolNode(database, { id: folder.node, url: 'http://node', process: 1 });
      const book = new CacheBook(database, folder.node, () => {});
      const queue = new CacheQueue(database, folder.node);
      const cache = await ImageCache.open({ folder, book, queue, log, maxSize, stallMs });
      return {
        cache,
        book,
        node: folder.node,
        async close() {
          await cache.close();
          await book.write();
          await folder.close();
        },
      };
    },
    async close() {
      await database.close();
      await own.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** An image of `size` bytes of `seed`. */
export function imageOf(seed: number, size: number): ImageFacts {
  const digest = createHash('sha256')
    .update(slice(seed, 0, size))
    .digest('hex');
  return { id: randomUUID(), size, algorithm: 'sha256', digest };
}

export interface CountingOrigin {
  readonly open: Origin;
  /** Ranges asked for; null: the whole. */
  readonly asked: (ByteRange | null)[];
}

/** Gives the bytes of `seed`; `through` may change or hold up those of the whole image. */
export function originOf(
  seed: number,
  { size }: ImageFacts,
  through: (chunks: AsyncGenerator<Uint8Array>) => AsyncGenerator<Uint8Array> = (chunks) => chunks,
): CountingOrigin {
  const asked: (ByteRange | null)[] = [];
  return {
    asked,
    async open(range) {
      asked.push(range);
      if (range === null) return through(stream(seed, size));
      return pieces(slice(seed, range.first, range.last + 1));
    },
  };
}

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
