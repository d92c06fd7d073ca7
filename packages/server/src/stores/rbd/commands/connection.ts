/** The connection to a cluster, and to one of its pools. */
import { CephError, errno } from '../errors.ts';
import { type Handle, type Library, room } from '../library.ts';

export interface ConnectionSettings {
  readonly user: string;
  readonly confFile: string;
  readonly pool: string;
  /** Of Ceph's configuration, by its names. */
  readonly set: Readonly<Record<string, string>>;
}

export interface Connection {
  readonly cluster: Handle;
  readonly pool: Handle;
  readonly fsid: string;
}

const fsidBytes = 37;
const unset = '00000000-0000-0000-0000-000000000000';

function configured(library: Library, { user, confFile, set }: ConnectionSettings): Handle {
  const told = room();
  library.call('rados_create', told, user);
  const cluster = told[0]!;
  try {
    library.call('rados_conf_read_file', cluster, confFile);
    for (const [name, value] of Object.entries(set)) library.call('rados_conf_set', cluster, name, value);
    return cluster;
  } catch (error) {
    library.tell('rados_shutdown', cluster);
    throw error;
  }
}

/** The fsid that the configuration names, or null. */
export function configuredFsid(library: Library, settings: ConnectionSettings): string | null {
  const cluster = configured(library, settings);
  try {
    const bytes = Buffer.alloc(fsidBytes);
    library.call('rados_conf_get', cluster, 'fsid', bytes, bytes.length);
    const fsid = bytes.toString('latin1', 0, fsidBytes - 1);
    return fsid === unset ? null : fsid;
  } finally {
    library.tell('rados_shutdown', cluster);
  }
}

export function connect(library: Library, settings: ConnectionSettings): Connection {
  const cluster = configured(library, settings);
  try {
    library.call('rados_connect', cluster);
    const bytes = Buffer.alloc(fsidBytes);
    library.call('rados_cluster_fsid', cluster, bytes, bytes.length);
    const pool = room();
    library.call('rados_ioctx_create', cluster, settings.pool, pool);
    // When it is full it says so, instead of letting us wait for room, and lets us delete.
    library.tell('rados_set_pool_full_try', pool[0]!);
    return { cluster, pool: pool[0]!, fsid: bytes.toString('latin1', 0, fsidBytes - 1) };
  } catch (error) {
    library.tell('rados_shutdown', cluster);
    throw error;
  }
}

/** No image may be open any more. */
export function disconnect(library: Library, { cluster, pool }: Connection): void {
  library.tell('rados_ioctx_destroy', pool);
  library.tell('rados_shutdown', cluster);
}

/** Asks whoever keeps the directory of images; a pool that never had one has none. */
export function probe(library: Library, pool: Handle): void {
  try {
    library.call('rados_stat', pool, 'rbd_directory', room(), room());
  } catch (error) {
    if (!(error instanceof CephError && error.errno === errno.missing)) throw error;
  }
}
