/** Stands between a server and its PostgreSQL, and counts the statements that go through. */

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DatabasePlace } from './database-place.ts';

export interface CountedDatabase extends AsyncDisposable {
  readonly place: DatabasePlace;
  /** So far: simple queries, and executions of prepared ones. */
  readonly statements: () => number;
}

/** Types of message, each of which runs one statement. */
const running = new Set(['Q', 'E'].map((letter) => letter.charCodeAt(0)));

export async function countStatements({ folder, port }: DatabasePlace): Promise<CountedDatabase> {
  const own = await mkdtemp(path.join(tmpdir(), 'tintype-counted-'));
  const open = new Set<Socket>();
  let statements = 0;
  const server = createServer((client) => {
    const database = connect(path.join(folder, `.s.PGSQL.${port}`));
    const count = countMessages(() => {
      statements += 1;
    });
    for (const [one, other] of [
      [client, database],
      [database, client],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
      one.pipe(other);
    }
    client.on('data', count);
  });
  server.listen(path.join(own, `.s.PGSQL.${port}`));
  await once(server, 'listening');
  return {
    place: { folder: own, port },
    statements: () => statements,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of open) socket.destroy();
      await rm(own, { recursive: true, force: true });
    },
  };
}

/** Reads the messages of one connection: the first has a length alone, the others a letter before it. */
function countMessages(tell: () => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  let isFirst = true;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const head = isFirst ? 0 : 1;
      if (rest.length < head + 4) return;
      const whole = head + rest.readUInt32BE(head);
      if (rest.length < whole) return;
      if (!isFirst && running.has(rest[0]!)) tell();
      isFirst = false;
      rest = rest.subarray(whole);
    }
  };
}
