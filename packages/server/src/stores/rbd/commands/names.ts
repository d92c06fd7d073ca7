/** The names of all images of a pool, finished or not. */
import { errno, isErrno } from '../errors.ts';
import { type Handle, type Library, room } from '../library.ts';

export function listNames(library: Library, pool: Handle): string[] {
  for (let bytes = 64 * 1024; ; ) {
    const names = Buffer.alloc(bytes);
    const length = room();
    length[0] = BigInt(bytes);
    try {
      const used = library.call('rbd_list', pool, names, length);
      return names.toString('utf8', 0, used).split('\0').slice(0, -1);
    } catch (error) {
      if (!isErrno(error, errno.tooShort)) throw error;
      // Others may be added meanwhile.
      bytes = Number(length[0]!) + 64 * 1024;
    }
  }
}
