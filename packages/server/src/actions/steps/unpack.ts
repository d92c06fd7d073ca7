/** Takes the data of an image out of what it is packed in. */
import { lookedAt, seenAsDisk } from '../../inspection/disk-format.ts';
import { packedAs, unpack } from '../../inspection/unpacking/unpack.ts';
import type { ActionParts } from '../parts.ts';
import { type DeriveWork, derive } from './derive.ts';
import type { Made } from './derived.ts';
import { inspected } from './inspected.ts';
import type { PlaceInput } from './place.ts';

/** Bytes that may come of any image, however small it is. */
const alwaysAllowed = 64 * 1024 * 1024;

/** Containers that may be packed as such: what is in others is theirs. */
const unpackable: readonly (string | null)[] = ['bare', 'ami', 'ari', 'aki', 'ova', 'ovf'];

export function unpackData<Input extends PlaceInput>(parts: ActionParts) {
  return derive<Input>(parts, 'unpack', (work) => unpackOne(parts, work));
}

async function unpackOne(
  parts: ActionParts,
  { context, refinement, image, path, size, key }: DeriveWork,
): Promise<Made | null> {
  // Glance: who declares the container as compressed wants it to stay so.
  if (!unpackable.includes(image.container_format)) return null;
  const format = await packedAs(path);
  if (format === null) return null;
  const { settings, refining, stores } = parts;
  const most = Math.min(settings.sizeCap, Math.max(alwaysAllowed, size * refining.unpackRatio));
  const unpacked = unpack(refining.sandbox, { path, format, most, signal: context.signal });
  let { disk_format } = image;
  const { container_format } = image;
  const isDisk = refinement.requireDisk === true && container_format === 'bare';
  const chunks = isDisk
    ? lookedAt(unpacked, (seen) => {
        disk_format = seenAsDisk(seen, image.disk_format);
      })
    : unpacked;
  const made = await stores.staging.put(
    key,
    inspected(parts, () => ({ ...image, disk_format }), chunks, context.progress),
    context.signal,
  );
  return {
    disk_format,
    container_format,
    size: made.size,
    how: `unpacked from ${format}`,
    disk_sha256: null,
    properties: {},
  };
}
