/** The server as a process: configuration, banner, signals. */
import { getPriority, setPriority } from 'node:os';
import { pino } from 'pino';
import { type App, type Role, startApp } from './app.ts';
import { createLog } from './base/log.ts';
import { ConfigError } from './config/config-error.ts';
import { loadConfig } from './config/load.ts';
import type { Config } from './config/schema.ts';

/** What the command line says. */
export interface ServerOptions {
  /** Configuration file. */
  readonly config?: string;
  /** Host and port. */
  readonly listen?: string;
  /** Data directory. */
  readonly data?: string;
  /** What the process does: `api`, `worker` or both, comma separated; both unless given. */
  readonly role?: string;
}

const roles = ['api', 'worker'] as const satisfies readonly Role[];

function readRoles(text: string | undefined): ReadonlySet<Role> {
  if (text === undefined) return new Set(roles);
  const named = text.split(',').map((name) => name.trim());
  const unknown = named.find((name) => !roles.includes(name as Role));
  if (unknown !== undefined)
    throw new ConfigError(`--role takes ${roles.join(' or ')}, or both with a comma; not "${unknown}".`);
  return new Set(named as Role[]);
}

export async function readConfig(options: ServerOptions): Promise<Config> {
  const overrides = {
    ...(options.listen === undefined ? {} : { listen: options.listen }),
    ...(options.data === undefined ? {} : { dataDir: options.data }),
  };
  const source = { environment: process.env, overrides };
  return await loadConfig(options.config === undefined ? source : { ...source, file: options.config });
}

function banner(app: App, config: Config, role: ReadonlySet<Role>): string {
  if (!role.has('api')) return `Tintype works; health and figures are at ${app.url}\n`;
  const isDefault = app.tokenFile?.startsWith(`${process.cwd()}/tintype-data/`) ?? true;
  const where = app.url === 'http://127.0.0.1:9292' ? '' : ` --endpoint ${app.url}`;
  const who = isDefault || app.tokenFile === null ? '' : ` --token-file ${app.tokenFile}`;
  return [
    `Tintype serves the Image API at ${app.url}`,
    app.tokenFile === null
      ? `Identity mode: ${config.identity.mode}`
      : `Token of the administrator: ${app.tokenFile}`,
    `Try: npx tintype${where}${who} image list`,
    '',
  ].join('\n');
}

/** Resolves at the first SIGTERM or SIGINT; the second one ends the process at once. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const signals = ['SIGTERM', 'SIGINT'] as const;
    for (const signal of signals) {
      process.once(signal, () => {
        for (const again of signals) process.once(again, () => process.exit(130));
        resolve(signal);
      });
    }
  });
}

/** Of a process that answers nobody: what else runs on its machine comes first, above all whoever answers requests. */
const workerNiceness = 10;

/** Serves until a signal comes; resolves after a clean stop. */
export async function serve(options: ServerOptions): Promise<void> {
  const role = readRoles(options.role);
  const config = await readConfig(options);
  const log = createLog(config.log.level, pino.destination({ dest: 2, sync: false }));
  const stop = stopSignal();
  // Before there are threads and children, which have the same.
  if (!role.has('api')) setPriority(Math.max(getPriority(), workerNiceness));
  const app = await startApp(config, log, { roles: role });
  process.stdout.write(banner(app, config, role));
  const signal = await stop;
  log.info({ signal }, 'stopping');
  await app.close();
  log.info('stopped');
}
