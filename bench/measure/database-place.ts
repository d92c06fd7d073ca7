/** Where the embedded PostgreSQL of a server listens. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';

export interface DatabasePlace {
  /** Of its socket. */
  readonly folder: string;
  readonly port: number;
}

export async function databasePlace(dataDir: string): Promise<DatabasePlace> {
  // PostgreSQL writes the port on line 4, and the folder of its socket on line 5.
  const lines = (await readFile(path.join(dataDir, 'postgres/data/postmaster.pid'), 'utf8')).split('\n');
  return { port: Number(lines[3]), folder: lines[4]! };
}

/** For `database.url`. */
export function urlOf({ folder, port }: DatabasePlace): string {
  return `postgresql://tintype@/tintype?host=${encodeURIComponent(folder)}&port=${port}`;
}
