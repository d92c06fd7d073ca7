/** A real server in this process: own data directory, own database, a free port. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { type Config, createLog, loadConfig, startApp } from '@tintype/server';
import { stringify } from 'yaml';
import { testDatabase } from './database.ts';
import { SecretWatch, secretsOf } from './secrets.ts';

type DeepPartial<T> = T extends object ? { [K in keyof T]?: DeepPartial<T[K]> } : T;

export interface TestServer {
  readonly url: string;
  readonly config: Config;
  /** In mode "tokens": the administrator's. */
  readonly tokenFile: string | null;
  /** Lines of the log so far. */
  readonly log: string[];
  /** Names of the files that hold image data, finished or not. */
  storedFiles(): Promise<string[]>;
  /** Fails when a secret of its configuration was in any answer, or in any line of its log. */
  close(): Promise<void>;
}

/** Identity headers as an authenticating proxy sends them. */
export function as(project: string | null, ...roles: string[]): Record<string, string> {
  return {
    'X-Identity-Status': 'Confirmed',
    'X-User-Id': `user-of-${project}`,
    ...(project === null ? {} : { 'X-Project-Id': project }),
    'X-Roles': roles.join(','),
  };
}

/** Mode "headers" unless `settings` says otherwise. */
export async function startServer(settings: DeepPartial<Config> = {}): Promise<TestServer> {
  const database = await testDatabase();
  const folder = await mkdtemp(path.join(tmpdir(), 'tintype-server-'));
  const file = path.join(folder, 'config.yaml');
  const text = stringify({
    listen: '127.0.0.1:0',
    identity: { mode: 'headers' },
    dataDir: path.join(folder, 'data'),
    shutdownGrace: 1,
    database: { url: database.url },
    ...settings,
  });
  await writeFile(file, text);
  const config = await loadConfig({ file });
  const log: string[] = [];
  const watch = new SecretWatch();
  for (const secret of await secretsOf(file)) watch.add(secret);
  const lines = new Writable({
    write(chunk, _encoding, done) {
      watch.look('in the log', Buffer.from(chunk));
      log.push(String(chunk));
      done();
    },
  });
  const app = await startApp(config, createLog('info', lines));
  if (app.tokenFile !== null)
    watch.add({ setting: 'tokenFile', value: (await readFile(app.tokenFile, 'utf8')).trim() });
  const unwatch = watch.listen(Number(new URL(app.url).port));
  return {
    url: app.url,
    config,
    tokenFile: app.tokenFile,
    log,
    async storedFiles() {
      const entries = await readdir(config.dataDir, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile() && entry.parentPath.includes('images'))
        .map(({ name }) => name);
    },
    async close() {
      await app.close();
      unwatch();
      await database.close();
      await rm(folder, { recursive: true, force: true });
      assert.equal([...watch.leaks].join(', '), '', `told: ${[...watch.leaks].join(', ')}`);
    },
  };
}
