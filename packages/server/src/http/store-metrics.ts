/** The figures of stores: how much is in them, and how much room is left, as far as they tell. */
import { Gauge, type Registry } from 'prom-client';

/** Bytes; null: the store does not tell. */
interface StoreRoom {
  readonly usedBytes: number | null;
  readonly totalBytes: number | null;
  readonly freeBytes: number | null;
}

/** Asked when the figures are. Null: nothing can be put into this store. */
export type StoreSource = () => readonly { readonly id: string; readonly room: Promise<StoreRoom | null> }[];

const gauges = [
  ['used', 'usedBytes', 'Bytes that count against the capacity of a store, perhaps of others too'],
  ['capacity', 'totalBytes', 'Bytes that fit into a store at all: its disk, its pool, or the tightest quota'],
  ['free', 'freeBytes', 'Bytes that can still be put into a store'],
] as const;

export function countStores(source: StoreSource, registers: Registry[]): void {
  for (const [figure, part, help] of gauges)
    new Gauge({
      name: `tintype_store_${figure}_bytes`,
      help: `${help}; absent where the store does not tell`,
      labelNames: ['store'],
      registers,
      async collect() {
        const rooms = await Promise.all(source().map(async ({ id, room }) => ({ id, room: await room })));
        this.reset();
        for (const { id, room } of rooms) {
          const bytes = room?.[part] ?? null;
          if (bytes !== null) this.set({ store: id }, bytes);
        }
      },
    });
}
