/** The figures of the cache of this node: how much is in it, and how much it helps. */
import { Counter, Gauge, type Registry } from 'prom-client';

/** Read when the figures are asked for. */
export interface CacheSource {
  readonly bytes: number;
  readonly entries: readonly unknown[];
  /** Since the start. */
  readonly figures: Readonly<Record<'hits' | 'misses' | 'evicted' | 'spoilt', number>>;
}

export function countCache(source: CacheSource, registers: Registry[]): void {
  new Gauge({
    name: 'tintype_cache_bytes',
    help: 'Image data in the cache of this node',
    registers,
    collect() {
      this.set(source.bytes);
    },
  });
  new Gauge({
    name: 'tintype_cache_images',
    help: 'Images in the cache of this node',
    registers,
    collect() {
      this.set(source.entries.length);
    },
  });
  const counters = [
    ['hits', 'Downloads that the cache of this node served'],
    ['misses', 'Downloads that the cache of this node did not have'],
    ['evicted', 'Images that left the cache of this node to make room for others'],
    ['spoilt', 'Images that left the cache of this node because their copy was damaged'],
  ] as const;
  for (const [figure, help] of counters)
    new Counter({
      name: `tintype_cache_${figure}_total`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(source.figures[figure]);
      },
    });
}
