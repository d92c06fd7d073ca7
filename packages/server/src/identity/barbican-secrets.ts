/** Barbican, OpenStack's key manager, asked with the token of whoever asks us: nothing is done there that they may not do. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import { Failure } from '../base/failure.ts';
import type { FindKeyManager } from './barbican-endpoint.ts';

export interface KeyManager {
  /** One that is not there is fine. Fails with unavailable, and with forbidden when the owner of the token may not. */
  deleteSecret(id: string, token: string): Promise<void>;
  close(): Promise<void>;
}

/** Milliseconds from the question to the end of the answer. */
const patienceMs = 10_000;
const largestAnswer = 64 * 1024;

/** `caFile`: certificate authorities to trust instead of the system's. */
export function openKeyManager(find: FindKeyManager, caFile: string | null): KeyManager {
  const ca = caFile === null ? undefined : readFileSync(caFile, 'utf8');
  const agent = new Agent({ connect: { ca, timeout: patienceMs }, maxResponseSize: largestAnswer });
  return {
    async deleteSecret(id, token) {
      const url = `${await find()}/v1/secrets/${encodeURIComponent(id)}`;
      const status = await statusOf(agent, url, token);
      if (status === 401 || status === 403)
        throw new Failure('forbidden', `The key manager does not let the caller delete secret ${id}.`);
      if (status >= 300 && status !== 404)
        throw new Failure(
          'unavailable',
          `The key manager answered ${status} instead of deleting secret ${id}.`,
        );
    },
    close: () => agent.close(),
  };
}

async function statusOf(agent: Agent, url: string, token: string): Promise<number> {
  try {
    const answer = await request(url, {
      method: 'DELETE',
      dispatcher: agent,
      headers: { 'X-Auth-Token': token, Accept: 'application/json' },
      signal: AbortSignal.timeout(patienceMs),
    });
    await answer.body.dump();
    return answer.statusCode;
  } catch (cause) {
    throw new Failure('unavailable', 'The key manager does not answer.', { cause });
  }
}
