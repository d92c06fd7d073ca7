/** What the kernel does with files that Node.js has no word for: copying between two, and finding the holes of one. */
import { getSystemErrorName } from 'node:util';

export interface Kernel {
  /**
   * At most `bytes` from where `from` is at to where `to` is at, both of which move on; 0 at the end of `from`. Does not wait for
   * the medium. Fails with a system error.
   */
  copy(from: number, to: number, bytes: number): Promise<number>;
  /** Puts the file at this position. Fails with a system error. */
  seek(file: number, position: number): void;
  /** Of the first byte at or after `position` that is not in a hole; null: it is holes to the end. */
  dataFrom(file: number, position: number): number | null;
  /** Of the first byte at or after `position` that is in a hole, or else the end. */
  holeFrom(file: number, position: number): number;
}

/** By the numbers of `lseek`. */
const whence = { set: 0, data: 3, hole: 4 } as const;

let loading: Promise<Kernel | null> | undefined;

/** Null where there is no such kernel. */
export function loadKernel(): Promise<Kernel | null> {
  loading ??= load().catch(() => null);
  return loading;
}

async function load(): Promise<Kernel | null> {
  if (process.platform !== 'linux') return null;
  const { default: koffi } = await import('koffi');
  const library = koffi.load(null);
  const copyRange = library.func('copy_file_range', 'int64_t', [
    'int',
    'void *',
    'int',
    'void *',
    'size_t',
    'unsigned int',
  ]);
  const seekTo = library.func('lseek', 'int64_t', ['int', 'int64_t', 'int']);
  const seek = (file: number, position: number, from: number) => {
    const at = Number(seekTo(file, position, from));
    if (at < 0) throw systemError('lseek', koffi.errno());
    return at;
  };
  return {
    copy: (from, to, bytes) =>
      new Promise((resolve, reject) => {
        copyRange.async(from, null, to, null, bytes, 0, (error: unknown, answer: number | bigint) => {
          if (error) reject(error);
          else if (answer < 0) reject(systemError('copy_file_range', koffi.errno()));
          else resolve(Number(answer));
        });
      }),
    seek: (file, position) => void seek(file, position, whence.set),
    dataFrom(file, position) {
      try {
        return seek(file, position, whence.data);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENXIO') return null;
        throw error;
      }
    },
    holeFrom: (file, position) => seek(file, position, whence.hole),
  };
}

function systemError(call: string, number: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(-number);
  return Object.assign(new Error(`${code}: ${call}`), { code, errno: -number, syscall: call });
}
