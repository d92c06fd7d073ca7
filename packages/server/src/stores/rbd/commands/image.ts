/** What is done with one image: it is an object of the store once it has its snapshot. */
import { errno, isErrno } from '../errors.ts';
import { type Handle, type Library, room } from '../library.ts';

/** Glance: Nova and Cinder clone from the snapshot of this name. */
export const snapshot = 'snap';

/** Of rbd_image_options_t. */
const orderOption = 2;

/** Bytes of an object are 2 ** `order`. Throws EEXIST. Open for writing. */
export function createImage(
  library: Library,
  pool: Handle,
  name: string,
  size: number,
  order: number,
): Handle {
  const options = room();
  library.tell('rbd_image_options_create', options);
  try {
    library.call('rbd_image_options_set_uint64', options[0]!, orderOption, BigInt(order));
    library.call('rbd_create4', pool, name, BigInt(size), options[0]!);
  } finally {
    library.tell('rbd_image_options_destroy', options[0]!);
  }
  const image = room();
  library.call('rbd_open', pool, name, image, null);
  return image[0]!;
}

export function resizeImage(library: Library, image: Handle, size: number): void {
  library.call('rbd_resize', image, BigInt(size));
}

/** `address` is that of `length` bytes, which stay where they are meanwhile. */
export function writeImage(
  library: Library,
  image: Handle,
  offset: number,
  length: number,
  address: Handle,
): void {
  library.call('rbd_write', image, BigInt(offset), length, address);
}

/** Resolves with the bytes read. */
export function readImage(
  library: Library,
  image: Handle,
  offset: number,
  length: number,
  address: Handle,
): number {
  return library.call('rbd_read', image, BigInt(offset), length, address);
}

/** Nothing changes it any more, and everybody sees it. */
export function sealImage(library: Library, image: Handle): void {
  library.call('rbd_flush', image);
  library.call('rbd_snap_create', image, snapshot);
  library.call('rbd_snap_protect', image, snapshot);
}

export function closeImage(library: Library, image: Handle): void {
  library.call('rbd_close', image);
}

/**
 * For reading; null: there is no such object. Not opened read-only: others see that it is being read, and librbd 16 ends the
 * process when an image that is opened read-only goes to the trash at that moment.
 */
export function openImage(
  library: Library,
  pool: Handle,
  name: string,
): { image: Handle; size: number } | null {
  const image = room();
  try {
    library.call('rbd_open', pool, name, image, snapshot);
  } catch (error) {
    if (isErrno(error, errno.missing)) return null;
    throw error;
  }
  try {
    return { image: image[0]!, size: sizeOf(library, image[0]!) };
  } catch (error) {
    library.call('rbd_close', image[0]!);
    throw error;
  }
}

export interface Described {
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly sealedAt: number;
}

/** Null: there is no such object. */
export function describeImage(library: Library, pool: Handle, name: string): Described | null {
  const found = openImage(library, pool, name);
  if (found === null) return null;
  const { image, size } = found;
  try {
    const id = room();
    library.call('rbd_snap_get_id', image, snapshot, id);
    const time = room(2);
    library.call('rbd_snap_get_timestamp', image, id[0]!, time);
    return { size, sealedAt: Number(time[0]!) * 1000 + Math.floor(Number(time[1]!) / 1e6) };
  } finally {
    library.call('rbd_close', image);
  }
}

function sizeOf(library: Library, image: Handle): number {
  const size = room();
  library.call('rbd_get_size', image, size);
  return Number(size[0]!);
}
