/**
 * How images go: first their name, at once, into the trash of the pool; then their data, once nobody reads it and nobody has
 * cloned it any more.
 */
import { errno, isErrno } from '../errors.ts';
import { type Handle, type Library, room } from '../library.ts';
import { snapshot } from './image.ts';

/** Metadata of an image in the trash that is ours to remove: others put theirs there to have them back. */
const mark = 'tintype_removed';

/** Throws nothing of these: what they say is so already. */
function unless(numbers: readonly number[], call: () => void): void {
  try {
    call();
  } catch (error) {
    if (!isErrno(error, ...numbers)) throw error;
  }
}

/** `open` null: there is no such image. */
function withImage<T>(
  library: Library,
  open: (image: BigUint64Array) => void,
  work: (image: Handle) => T,
): T | null {
  const image = room();
  try {
    open(image);
  } catch (error) {
    if (isErrno(error, errno.missing)) return null;
    throw error;
  }
  try {
    return work(image[0]!);
  } finally {
    library.call('rbd_close', image[0]!);
  }
}

/** Takes away an image that has no snapshot; one that is not there is fine. */
export function discardImage(library: Library, pool: Handle, name: string): void {
  unless([errno.missing], () => library.call('rbd_remove', pool, name));
}

/** Finished or not, it has no name any more. Resolves with its id in the trash; null: there is no such image. */
export function buryImage(library: Library, pool: Handle, name: string): string | null {
  const id = withImage(
    library,
    (told) => library.call('rbd_open', pool, name, told, null),
    (image) => {
      library.call('rbd_metadata_set', image, mark, 'true');
      const bytes = Buffer.alloc(256);
      library.call('rbd_get_id', image, bytes, bytes.length);
      return bytes.toString('latin1', 0, bytes.indexOf(0));
    },
  );
  if (id !== null) unless([errno.missing], () => library.call('rbd_trash_move', pool, name, 0n));
  return id;
}

/** Ids of what is in the trash. */
export function listTrash(library: Library, pool: Handle): string[] {
  // id, name, source, two times
  const words = 5;
  for (let most = 64; ; ) {
    const count = room();
    count[0] = BigInt(most);
    const entries = room(most * words);
    try {
      library.call('rbd_trash_list', pool, entries, count);
    } catch (error) {
      if (!isErrno(error, errno.tooShort)) throw error;
      most = Number(count[0]!) + 64;
      continue;
    }
    const found = Number(count[0]!);
    const ids = Array.from({ length: found }, (_, index) => library.textAt(entries[index * words]!));
    library.tell('rbd_trash_list_cleanup', entries, found);
    return ids;
  }
}

/** `foreign`: somebody else put it into the trash. `busy`: it is being read, or was cloned. */
export type Purged = 'gone' | 'foreign' | 'busy';

/** Removes the data of an image in the trash. */
export function purgeImage(library: Library, pool: Handle, id: string): Purged {
  try {
    const found = withImage(
      library,
      (told) => library.call('rbd_open_by_id', pool, id, told, null),
      (image) => bareImage(library, image),
    );
    if (found !== null && found !== 'bare') return found;
    unless([errno.missing], () => library.call('rbd_trash_remove', pool, id, true));
    return 'gone';
  } catch (error) {
    if (isErrno(error, errno.busy, errno.notEmpty)) return 'busy';
    throw error;
  }
}

function bareImage(library: Library, image: Handle): Purged | 'bare' {
  if (!isMarked(library, image)) return 'foreign';
  if (isWatched(library, image)) return 'busy';
  unless([errno.invalid, errno.missing], () => library.call('rbd_snap_unprotect', image, snapshot));
  unless([errno.missing], () => library.call('rbd_snap_remove', image, snapshot));
  return 'bare';
}

function isMarked(library: Library, image: Handle): boolean {
  const value = Buffer.alloc(64);
  const length = room();
  length[0] = BigInt(value.length);
  try {
    library.call('rbd_metadata_get', image, mark, value, length);
    return true;
  } catch (error) {
    if (isErrno(error, errno.missing)) return false;
    throw error;
  }
}

/** By others: we are one of them. */
function isWatched(library: Library, image: Handle): boolean {
  const count = room();
  count[0] = 1n;
  const watchers = room(3);
  try {
    library.call('rbd_watchers_list', image, watchers, count);
    library.tell('rbd_watchers_list_cleanup', watchers, Number(count[0]!));
    return false;
  } catch (error) {
    if (isErrno(error, errno.tooShort)) return true;
    throw error;
  }
}

/** Of op_features: clones of the second format, which need no protection. */
const hasClones = 1n;

/** Whether it was cloned. For a moment it cannot be: unprotecting is the one way to ask that needs no right to other pools. */
export function isCloned(library: Library, pool: Handle, name: string): boolean {
  const found = withImage(
    library,
    (told) => library.call('rbd_open', pool, name, told, null),
    (image) => {
      const features = room();
      library.call('rbd_get_op_features', image, features);
      return (features[0]! & hasClones) !== 0n || isParent(library, image);
    },
  );
  return found ?? false;
}

function isParent(library: Library, image: Handle): boolean {
  const isProtected = room();
  try {
    library.call('rbd_snap_is_protected', image, snapshot, isProtected);
    if ((isProtected[0]! & 0xffff_ffffn) === 0n) return false;
    library.call('rbd_snap_unprotect', image, snapshot);
  } catch (error) {
    if (isErrno(error, errno.busy)) return true;
    if (isErrno(error, errno.missing)) return false;
    throw error;
  }
  library.call('rbd_snap_protect', image, snapshot);
  return false;
}
