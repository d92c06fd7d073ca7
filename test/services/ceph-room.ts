/** A Ceph cluster without room, and with room again. */
import { until } from '../support/process.ts';
import type { StoreServer } from './store-server.ts';

/** Nothing is written; the cluster takes itself for full at once, and tells its clients. */
export async function setFull(ceph: StoreServer, isFull: boolean): Promise<void> {
  // Each above the one before, or the servers go by numbers of their own.
  const ratios = isFull ? ['1e-7', '2e-7', '3e-7'] : ['0.85', '0.9', '0.95'];
  for (const [index, name] of ['nearfull', 'backfillfull', 'full'].entries())
    await ceph.command('ceph', 'osd', `set-${name}-ratio`, ratios[index]!);
  await until(
    isFull ? 'the full pool' : 'room in the pool',
    async () => {
      const { pools } = JSON.parse(await ceph.command('ceph', 'osd', 'dump', '--format', 'json'));
      const images = pools.find(({ pool_name }: { pool_name: string }) => pool_name === 'images');
      return images.flags_names.split(',').includes('full') === isFull;
    },
    60_000,
  );
}
