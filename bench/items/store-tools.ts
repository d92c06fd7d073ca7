/** What operators move images with when there is no image service: a store's own command, timed. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import type { ServerKind, StoreServer } from '../../test/services/store-server.ts';

const run = promisify(execFile);

type Command = readonly [program: string, ...args: string[]];

export interface StoreTool {
  readonly kind: ServerKind;
  /** Its command, and what the servers need. */
  readonly programs: readonly string[];
  /** Of the store in the configuration of the server that is measured. */
  settings(server: StoreServer): Record<string, unknown>;
  env(server: StoreServer): Record<string, string>;
  upload(server: StoreServer, file: string): Command;
  /** To standard output. */
  download(server: StoreServer): Command;
  remove(server: StoreServer): Command;
}

const object = 'benchmark';

const s3: StoreTool = {
  kind: 's3',
  programs: ['aws', 'radosgw', 'ceph-mon'],
  settings: (server) => ({
    type: 's3',
    endpoint: server.fact('S3_ENDPOINT'),
    bucket: server.fact('S3_BUCKET'),
    accessKey: server.fact('S3_ACCESS_KEY'),
    secretKey: server.fact('S3_SECRET_KEY'),
  }),
  env: (server) => ({
    AWS_ACCESS_KEY_ID: server.fact('S3_ACCESS_KEY'),
    AWS_SECRET_ACCESS_KEY: server.fact('S3_SECRET_KEY'),
    AWS_DEFAULT_REGION: server.fact('S3_REGION'),
    AWS_REQUEST_CHECKSUM_CALCULATION: 'when_required',
    AWS_RESPONSE_CHECKSUM_VALIDATION: 'when_required',
  }),
  upload: (server, file) => [...aws(server), 'cp', '--quiet', file, s3Url(server)],
  download: (server) => [...aws(server), 'cp', '--quiet', s3Url(server), '-'],
  remove: (server) => [...aws(server), 'rm', '--quiet', s3Url(server)],
};

const aws = (server: StoreServer): Command => ['aws', '--endpoint-url', server.fact('S3_ENDPOINT'), 's3'];
const s3Url = (server: StoreServer) => `s3://${server.fact('S3_BUCKET')}/${object}`;

const swift: StoreTool = {
  kind: 'swift',
  programs: ['swift', 'swift-proxy-server', 'memcached'],
  settings: (server) => ({
    type: 'swift',
    authVersion: 'v1',
    authUrl: server.fact('SWIFT_AUTH_URL'),
    user: server.fact('SWIFT_USER'),
    key: server.fact('SWIFT_KEY'),
  }),
  env: (server) => ({
    ST_AUTH_VERSION: '1.0',
    ST_AUTH: server.fact('SWIFT_AUTH_URL'),
    ST_USER: server.fact('SWIFT_USER'),
    ST_KEY: server.fact('SWIFT_KEY'),
  }),
  upload: (server, file) => [
    'swift',
    '-q',
    'upload',
    server.fact('SWIFT_CONTAINER'),
    file,
    '--object-name',
    object,
  ],
  download: (server) => ['swift', '-q', 'download', server.fact('SWIFT_CONTAINER'), object, '-o', '-'],
  remove: (server) => ['swift', '-q', 'delete', server.fact('SWIFT_CONTAINER'), object],
};

const rbd: StoreTool = {
  kind: 'ceph',
  programs: ['rbd', 'ceph-mon', 'ceph-osd'],
  settings: (server) => ({ type: 'rbd', confFile: server.fact('CEPH_CONF') }),
  env: (server) => ({ CEPH_CONF: server.fact('CEPH_CONF') }),
  upload: (_, file) => ['rbd', '--id', 'images', 'import', '--no-progress', file, `images/${object}`],
  download: () => ['rbd', '--id', 'images', 'export', '--no-progress', `images/${object}`, '-'],
  remove: () => ['rbd', '--id', 'images', 'rm', '--no-progress', `images/${object}`],
};

export const storeTools = { s3, swift, rbd } as const;

/** The first program that is not installed; null: all are. */
export async function missingProgram({ programs }: StoreTool): Promise<string | null> {
  for (const program of programs)
    if ((await run('sh', ['-c', `PATH=$PATH:/usr/sbin; command -v ${program}`]).catch(() => null)) === null)
      return program;
  return null;
}

/** Seconds that it takes; what it writes is thrown away. Fails when it does. */
export async function timed(
  [program, ...args]: Command,
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const begun = performance.now();
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.resume();
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code}.`);
  return (performance.now() - begun) / 1000;
}
