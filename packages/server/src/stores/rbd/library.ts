/** The functions of librados and librbd that the store calls, as JavaScript can call them: each blocks its thread. */
import koffi from 'koffi';
import { CephError } from './errors.ts';

/** The address of something of theirs. */
export type Handle = bigint;

const handle = 'void *';
const text = 'const char *';
const texts = 'const char **';
/** Room for what a call has to tell, or the address of bytes. */
const memory = 'void *';
const u64 = 'uint64_t';
const size = 'size_t';

/** By library; what they take. All answer with 0 or more, or with an error number below 0. */
const signatures = {
  'librados.so.2': {
    rados_create: [memory, text],
    rados_conf_read_file: [handle, text],
    rados_conf_set: [handle, text, text],
    rados_conf_get: [handle, text, memory, size],
    rados_connect: [handle],
    rados_cluster_fsid: [handle, memory, size],
    rados_ioctx_create: [handle, text, memory],
    rados_stat: [handle, text, memory, memory],
    rados_mon_command: [handle, texts, size, text, size, memory, memory, memory, memory],
  },
  'librbd.so.1': {
    rbd_image_options_set_uint64: [handle, 'int', u64],
    rbd_create4: [handle, text, u64, handle],
    rbd_open: [handle, text, memory, text],
    rbd_open_by_id: [handle, text, memory, text],
    rbd_close: [handle],
    rbd_resize: [handle, u64],
    rbd_get_size: [handle, memory],
    rbd_get_id: [handle, memory, size],
    rbd_get_op_features: [handle, memory],
    rbd_write: [handle, u64, size, memory],
    rbd_read: [handle, u64, size, memory],
    rbd_flush: [handle],
    rbd_snap_create: [handle, text],
    rbd_snap_remove: [handle, text],
    rbd_snap_protect: [handle, text],
    rbd_snap_unprotect: [handle, text],
    rbd_snap_is_protected: [handle, text, memory],
    rbd_snap_get_id: [handle, text, memory],
    rbd_snap_get_timestamp: [handle, u64, memory],
    rbd_metadata_set: [handle, text, text],
    rbd_metadata_get: [handle, text, memory, memory],
    rbd_watchers_list: [handle, memory, memory],
    rbd_list: [handle, memory, memory],
    rbd_remove: [handle, text],
    rbd_trash_move: [handle, text, u64],
    rbd_trash_list: [handle, memory, memory],
    rbd_trash_remove: [handle, text, 'bool'],
  },
} as const;

/** Those that answer nothing. */
const silent = {
  'librados.so.2': {
    rados_ioctx_destroy: [handle],
    rados_set_pool_full_try: [handle],
    rados_shutdown: [handle],
    rados_buffer_free: [handle],
  },
  'librbd.so.1': {
    rbd_image_options_create: [memory],
    rbd_image_options_destroy: [handle],
    rbd_watchers_list_cleanup: [memory, size],
    rbd_trash_list_cleanup: [memory, size],
  },
} as const;

type Names<Table> = { [Library in keyof Table]: keyof Table[Library] }[keyof Table];
type Argument = Handle | number | string | boolean | Uint8Array | BigUint64Array | readonly string[] | null;

export interface Library {
  /** Resolves with what it answered, 0 or more; throws CephError. */
  call(name: Names<typeof signatures>, ...args: Argument[]): number;
  tell(name: Names<typeof silent>, ...args: Argument[]): void;
  /** The text, ended by a zero, at this address. */
  textAt(address: Handle): string;
  /** A copy of what is there. */
  bytesAt(address: Handle, length: number): Buffer;
  /** Every thread finds these bytes there, as long as somebody holds them. */
  addressOf(bytes: Uint8Array): Handle;
}

type Functions = Map<string, (...args: Argument[]) => unknown>;

/** Throws when a library, or a function of it, is not there. */
export function loadLibrary(): Library {
  const calls: Functions = new Map();
  for (const [table, answer] of [
    [signatures, 'int64_t'],
    [silent, 'void'],
  ] as const) {
    for (const [file, functions] of Object.entries(table)) {
      const library = koffi.load(file);
      for (const [name, takes] of Object.entries(functions)) {
        const isLong = name === 'rbd_read' || name === 'rbd_write';
        const gives = answer === 'void' || isLong ? answer : 'int';
        calls.set(name, library.func(name, gives, [...(takes as readonly string[])]));
      }
    }
  }
  return {
    call(name, ...args) {
      const answer = Number(calls.get(name)!(...args));
      if (answer < 0) throw new CephError(name, -answer);
      return answer;
    },
    tell: (name, ...args) => void calls.get(name)!(...args),
    textAt: (address) => koffi.decode.string(address),
    bytesAt: (address, length) => Buffer.from(koffi.decode(address, 'uint8_t', length) as Uint8Array),
    addressOf: (bytes) => koffi.address(bytes),
  };
}

/** Room for one address or number that a call tells. */
export function room(count = 1): BigUint64Array<ArrayBuffer> {
  return new BigUint64Array(count);
}
