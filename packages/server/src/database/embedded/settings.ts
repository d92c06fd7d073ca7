/** The settings that the embedded PostgreSQL starts with. */
import type { Place } from './place.ts';
import { port } from './socket.ts';

export type Settings = Readonly<Record<string, string>>;

/** The command line after the program's name; `more` wins over ours. */
export function serverArguments(place: Place, socketFolder: string, more: Settings = {}): string[] {
  const settings: Settings = {
    listen_addresses: '',
    port: String(port),
    unix_socket_directories: `"${socketFolder.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    max_connections: '100',
    shared_buffers: '256MB',
    max_wal_size: '1GB',
    fsync: 'on',
    synchronous_commit: 'on',
    random_page_cost: '1.1',
    jit: 'off',
    // Short queries, many at a time: a query that takes several cores makes the others wait.
    max_parallel_workers_per_gather: '0',
    // Containers often have 64 MB of /dev/shm.
    dynamic_shared_memory_type: 'mmap',
    timezone: 'UTC',
    log_timezone: 'UTC',
    logging_collector: 'on',
    log_directory: place.logs,
    log_filename: 'postgres-%Y%m%d-%H%M%S.log',
    log_rotation_size: '10MB',
    log_rotation_age: '1d',
    log_line_prefix: '%m [%p] %a ',
    ...more,
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', place.data, ...options];
}
