/** Takes the disk out of an OVF appliance, and the properties that its descriptor tells. */
import { bytesOf, openAppliance } from '../../inspection/appliances/open-appliance.ts';
import type { ActionParts } from '../parts.ts';
import { type DeriveWork, derive } from './derive.ts';
import type { Made } from './derived.ts';
import { inspected } from './inspected.ts';
import type { PlaceInput } from './place.ts';

export function extractDisk<Input extends PlaceInput>(parts: ActionParts) {
  return derive<Input>(parts, 'extract', (work) => extractOne(parts, work));
}

async function extractOne(parts: ActionParts, work: DeriveWork): Promise<Made | null> {
  const { context, image, path, key } = work;
  const { signal } = context;
  if (image.container_format !== 'ova') return null;
  const wanted = parts.refining.ovfProperties;
  const tell = (done: number) => context.progress(done);
  const { disk, format, properties } = await openAppliance(path, { wanted, signal, tell });
  await work.reserve(disk.size);
  const shape = { ...image, disk_format: format, container_format: 'bare' };
  const chunks = inspected(
    parts,
    () => shape,
    bytesOf(path, disk, signal),
    (done) => context.progress(done, disk.size),
  );
  const { size } = await parts.stores.staging.put(key, chunks, signal);
  const how = 'taken from an appliance';
  return { disk_format: format, container_format: 'bare', size, how, disk_sha256: null, properties };
}
