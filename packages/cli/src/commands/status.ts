/** `tintype status`: is there a server, which one, is it well, and is our token good. */
import { ImageApiError, type ImageClient } from '@tintype/client';
import type { Command } from 'commander';
import { openCall } from '../call.ts';
import { exitCodes } from '../exit-codes.ts';
import { printFields, printJson } from '../output.ts';

interface Status {
  readonly endpoint: string;
  readonly version: string | null;
  readonly versions: readonly string[];
  readonly healthy: boolean | null;
  readonly ready: boolean | null;
  readonly readiness: string | null;
  /** Milliseconds of one request, the middle one of several. */
  readonly latencyMs: number;
  readonly access: 'granted' | 'refused';
}

const probes = 5;

export function addStatus(parent: Command): void {
  parent
    .command('status')
    .description(
      'show the versions, health, readiness and latency of the server, and whether it takes the token',
    )
    .action(async (_: object, command: Command) => {
      const { client, settings } = openCall(command);
      const status = await inquire(client);
      if (settings.json) printJson(status);
      else printFields(fieldsOf(status));
      if (status.ready === false || status.healthy === false) process.exitCode = exitCodes.unavailable;
    });
}

async function inquire(client: ImageClient): Promise<Status> {
  const versions = await client.versions();
  const latencyMs = await measure(client);
  const health = await client.health();
  const readiness = await client.readiness();
  return {
    endpoint: client.endpoint,
    version: versions.find(({ status }) => status === 'CURRENT')?.id ?? null,
    versions: versions.map(({ id }) => id),
    healthy: health?.ok ?? null,
    ready: readiness?.ok ?? null,
    readiness: readiness?.detail ?? null,
    latencyMs,
    access: await tryAccess(client),
  };
}

async function measure(client: ImageClient): Promise<number> {
  const times: number[] = [];
  for (let probe = 0; probe < probes; probe++) {
    const start = performance.now();
    await client.versions();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return Math.round(times[Math.floor(probes / 2)]! * 10) / 10;
}

async function tryAccess(client: ImageClient): Promise<Status['access']> {
  try {
    await client.listPage({ limit: 1 });
    return 'granted';
  } catch (thrown) {
    if (thrown instanceof ImageApiError && (thrown.status === 401 || thrown.status === 403)) return 'refused';
    throw thrown;
  }
}

function fieldsOf(status: Status): [string, string][] {
  const says = (value: boolean | null) => (value === null ? 'unknown' : value ? 'yes' : 'no');
  const cause = status.ready === false ? ` (${status.readiness})` : '';
  return [
    ['endpoint', status.endpoint],
    ['version', `${status.version ?? 'none'} (of ${status.versions.length})`],
    ['healthy', says(status.healthy)],
    ['ready', says(status.ready) + cause],
    ['latency', `${status.latencyMs} ms`],
    ['access', status.access],
  ];
}
