/** A server and a home for the stock clients, once for each identity mode they walk in. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { until } from '../../support/process.ts';
import { ourselves, type Person } from './person.ts';
import { startWalkServer, type WalkServer } from './walk-server.ts';

export type Mode = 'tokens' | 'none';

export interface StockServer {
  readonly server: WalkServer;
  /** For what the client downloads. */
  readonly folder: string;
  /** The clients keep schemas and settings in the home folder: a fresh one. */
  readonly env: Readonly<Record<string, string>>;
  /** Resolves once an import has made the image active. */
  imported(id: string): Promise<void>;
  /** Stops the server; fails if it complained in its log meanwhile. */
  close(): Promise<void>;
}

/** So that web servers of the test can be imported from. */
const settings = {
  TINTYPE_IMPORT_ALLOW_PRIVATE_ADDRESSES: 'true',
  TINTYPE_IMPORT_ALLOWED_PORTS: '[]',
};

async function open(person: Person, mode: Mode): Promise<StockServer> {
  const command = [process.execPath, 'packages/cli/bin/tintype.js', 'serve'];
  const dataDir = path.join(person.folder, 'data');
  const home = await person.makeFolder('home');
  const server = await startWalkServer({ command, dataDir, mode, person, settings });
  return {
    server,
    folder: person.folder,
    env: { HOME: home },
    async imported(id) {
      const headers = { 'X-Auth-Token': server.token };
      await until(`the import of ${id}`, async () => {
        const answer = await fetch(`${server.url}/v2/images/${id}`, { headers });
        return ((await answer.json()) as { status: string }).status === 'active';
      });
    },
    async close() {
      await server.stop();
      await person.leave();
      assert.deepEqual(complaints(server.log()), []);
    },
  };
}

/** Lines of the log that are no JSON, or are about trouble. */
function complaints(lines: readonly string[]): string[] {
  return lines.filter((line) => {
    if (!line.startsWith('{')) return true;
    const { level } = JSON.parse(line) as { level: number };
    return level >= 40;
  });
}

export async function openStockServer(mode: Mode): Promise<StockServer> {
  const person = await ourselves();
  try {
    return await open(person, mode);
  } catch (error) {
    await person.leave();
    throw error;
  }
}
