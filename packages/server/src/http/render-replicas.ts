/** Copies as they go over the wire. */
import type { ReplicaList, ReplicaRecord } from '@tintype/contract';
import type { Static } from 'typebox';
import type { ImageCopies } from '../actions/list-replicas.ts';
import type { Image } from '../images/image.ts';
import type { Copy } from '../locations/location-records.ts';

export function renderReplicas({ image, health, copies, creating }: ImageCopies): Static<typeof ReplicaList> {
  return {
    health,
    replicas: [
      ...copies.map((copy) => renderCopy(image, copy)),
      ...creating.map(({ store, diskFormat }) => ({
        ...(diskFormat === null ? common(image) : made(image, unknownOf(diskFormat))),
        ...{
          disk_sha256: null,
          id: null,
          store,
          state: 'creating' as const,
          created_at: null,
          checked_at: null,
          self: null,
        },
      })),
    ],
  };
}

function renderCopy(image: Image, copy: Copy): ReplicaRecord {
  const { id, store, status, trouble, created_at, trouble_at, disk_sha256 } = copy;
  return {
    ...(copy.disk_format === null ? common(image) : made(image, copy)),
    ...{ id, store, state: status === 'pending_delete' ? status : (trouble ?? 'active'), disk_sha256 },
    created_at: created_at.toISOString(),
    checked_at: trouble_at?.toISOString() ?? null,
    self: `/v2/images/${image.id}/replicas/${id}`,
  };
}

type Contents = Pick<Copy, 'disk_format' | 'size' | 'checksum' | 'os_hash_algo' | 'os_hash_value'>;

/** Of a copy in another format that is not there yet. */
function unknownOf(format: string): Contents {
  return { disk_format: format, size: null, checksum: null, os_hash_algo: null, os_hash_value: null };
}

/** Of a copy in another format. */
function made({ id }: Image, { disk_format, size, checksum, os_hash_algo, os_hash_value }: Contents) {
  return { image_id: id, disk_format, container_format: 'bare', size, checksum, os_hash_algo, os_hash_value };
}

/** All others hold the same bytes. */
function common({ id, disk_format, container_format, size, checksum, os_hash_algo, os_hash_value }: Image) {
  return { image_id: id, disk_format, container_format, size, checksum, os_hash_algo, os_hash_value };
}
