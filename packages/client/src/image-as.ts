/** The record of an image with what its copy in some format holds in place of its own data. */
import type { ReplicaRecord } from '@tintype/contract';
import type { Connection } from './connection.ts';
import { segment } from './endpoint.ts';
import type { Image } from './image.ts';

/** Size and digests are null when there is no such copy. */
export async function imageAs(
  connection: Connection,
  image: Image,
  diskFormat: string,
  signal?: AbortSignal,
): Promise<Image> {
  if (image.disk_format === diskFormat) return image;
  const path = `/v2/images/${segment(image.id)}/replicas`;
  const { replicas } = await connection.json<{ replicas: ReplicaRecord[] }>({ method: 'GET', path, signal });
  const isThere = (state: string) => state !== 'creating' && state !== 'pending_delete';
  const copy = replicas.find(({ disk_format, state }) => disk_format === diskFormat && isThere(state));
  const {
    container_format = null,
    size = null,
    checksum = null,
    os_hash_algo = null,
    os_hash_value = null,
  } = copy ?? {};
  const held = { container_format, size, checksum, os_hash_algo, os_hash_value };
  return { ...image, disk_format: diskFormat, ...held } as Image;
}
