/** Finding the embedded PostgreSQL that another process runs. */

import { Failure } from '../../base/failure.ts';
import type { Connection } from '../connect.ts';
import { ownName } from './cluster.ts';
import { knownPlace } from './place.ts';
import { findServer } from './postmaster-file.ts';
import { answers } from './probe.ts';

/**
 * How to connect to the embedded PostgreSQL of `dataDir` if one is running and ready, else null.
 * Fails with forbidden when the data directory belongs to a user whose files we may not read.
 */
export async function attachEmbedded(dataDir: string): Promise<Connection | null> {
  try {
    const place = await knownPlace(dataDir);
    const server = place === null ? null : await findServer(place);
    if (server === null || server.socketFolder === '') return null;
    const connection: Connection = {
      host: server.socketFolder,
      port: server.port,
      user: ownName,
      database: ownName,
    };
    return (await answers(connection)) ? connection : null;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EACCES') throw cause;
    throw new Failure(
      'forbidden',
      `The database of ${dataDir} belongs to another user: run this as the user that runs the server, or as root.`,
      { cause },
    );
  }
}
