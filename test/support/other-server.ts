/** A second server, with tokens of its own: the image service of another region, as a test looks into it. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createToken, revokeToken } from '@tintype/server';
import { until } from './process.ts';
import { startServer, type TestServer } from './server.ts';

export interface IssuedToken {
  readonly id: string;
  readonly token: string;
}

export interface OtherServer extends TestServer {
  /** Of an administrator there; empty where nobody needs one. */
  readonly token: string;
  ask(method: string, path: string, body?: object): Promise<Response>;
  /** Another administrator's. */
  issueToken(): Promise<IssuedToken>;
  /** Resolves when it is not taken any more. */
  revokeToken(issued: IssuedToken): Promise<void>;
  /** In whatever status they are. */
  images(): Promise<Record<string, unknown>[]>;
}

/** `close` it in `after`. */
export async function startOther(settings: Parameters<typeof startServer>[0] = {}): Promise<OtherServer> {
  const server = await startServer({ identity: { mode: 'tokens' }, ...settings });
  const token = server.tokenFile === null ? '' : (await readFile(server.tokenFile, 'utf8')).trim();
  const ask = async (method: string, path: string, body?: object) =>
    await fetch(`${server.url}${path}`, {
      method,
      headers: {
        'X-Auth-Token': token,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  const options = { config: join(server.config.dataDir, '../config.yaml') };
  const takes = async (other: string) =>
    (await fetch(`${server.url}/v2/images`, { headers: { 'X-Auth-Token': other } })).status === 200;
  return {
    ...server,
    token,
    ask,
    issueToken: () => createToken(options, { project: 'p', user: 'u', roles: ['admin'], expiresAt: null }),
    async revokeToken({ id, token: other }) {
      if (!(await takes(other))) return;
      await revokeToken(options, id);
      await until('a token that is not taken', async () => !(await takes(other)));
    },
    async images() {
      const answer = await ask('GET', '/v2/images?limit=1000&visibility=all');
      assert.equal(answer.status, 200);
      return ((await answer.json()) as { images: Record<string, unknown>[] }).images;
    },
  };
}
