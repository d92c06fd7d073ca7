/** How much is in a pool, and how much it can still take, as the monitors tell. */
import { type StoreCapacity, unknownCapacity } from '../../store.ts';
import { type Handle, type Library, room } from '../library.ts';

/** Bytes of what was put; Ceph has reckoned with its copies of them, and with what it keeps free. */
interface PoolStats {
  readonly stored: number;
  readonly max_avail: number;
  /** 0: there is none. */
  readonly quota_bytes?: number;
}

/** Unknown in a cluster whose manager has counted nothing. Who may use a pool may ask. */
export function poolRoom(library: Library, cluster: Handle, pool: string): StoreCapacity {
  const stats = askMonitors(library, cluster, pool);
  return stats === undefined ? unknownCapacity : capacityOf(stats);
}

function askMonitors(library: Library, cluster: Handle, pool: string): PoolStats | undefined {
  const command = JSON.stringify({ prefix: 'df', detail: 'detail', format: 'json' });
  const [text, textBytes, said, saidBytes] = [room(), room(), room(), room()];
  try {
    library.call('rados_mon_command', cluster, [command], 1, '', 0, text, textBytes, said, saidBytes);
    const answer = library.bytesAt(text[0]!, Number(textBytes[0]!)).toString();
    const { pools } = JSON.parse(answer) as { pools: { name: string; stats: PoolStats }[] };
    return pools.find(({ name }) => name === pool)?.stats;
  } finally {
    for (const [address] of [text, said]) if (address !== 0n) library.tell('rados_buffer_free', address!);
  }
}

function capacityOf({ stored, max_avail: available, quota_bytes: quota = 0 }: PoolStats): StoreCapacity {
  const bound = quota === 0 ? Number.POSITIVE_INFINITY : quota;
  return {
    usedBytes: stored,
    totalBytes: Math.min(stored + available, bound),
    freeBytes: Math.max(0, Math.min(available, bound - stored)),
  };
}
