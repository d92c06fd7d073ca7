/** A real Barbican for tests, started by `barbican-up` beside a Keystone of ours. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Keystone, type User, withoutKeystone } from './keystone.ts';

const run = promisify(execFile);

/** Why there can be no Barbican here, or false. In CI its absence is a failure. */
export function withoutBarbican(...programs: string[]): string | false {
  const canInstall = process.env.CI === 'true' || process.getuid?.() === 0;
  if (!canInstall && !existsSync('/usr/lib/python3/dist-packages/barbican'))
    return 'not installed, and only root on Debian can: python3-barbican';
  return withoutKeystone(...programs);
}

export class Barbican {
  readonly #keystone: Keystone;
  #url = '';

  constructor(keystone: Keystone) {
    this.#keystone = keystone;
  }

  async up(): Promise<void> {
    const { stdout } = await run(path.join(import.meta.dirname, 'barbican-up'), [this.#keystone.folder]);
    this.#url = /^BARBICAN_URL=(.*)$/m.exec(stdout)![1]!;
  }

  async down(): Promise<void> {
    await run(path.join(import.meta.dirname, 'barbican-down'), [this.#keystone.folder]);
  }

  /** Keeps a certificate as a secret of the user's project; its UUID. */
  async store(user: User, certificate: Buffer, form: 'text' | 'binary'): Promise<string> {
    const payload =
      form === 'text'
        ? { payload: certificate.toString(), payload_content_type: 'text/plain' }
        : {
            payload: certificate.toString('base64'),
            payload_content_type: 'application/octet-stream',
            payload_content_encoding: 'base64',
          };
    const answer = await fetch(`${this.#url}/v1/secrets`, {
      method: 'POST',
      headers: { 'X-Auth-Token': await this.#keystone.token(user), 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: 'signer', secret_type: 'certificate', ...payload }),
    });
    const { secret_ref } = (await answer.json()) as { secret_ref?: string };
    if (secret_ref === undefined) throw new Error(`Barbican answered ${answer.status}`);
    return secret_ref.split('/').at(-1)!;
  }

  /** Whether the user finds the secret. */
  async has(user: User, id: string): Promise<boolean> {
    const headers = { 'X-Auth-Token': await this.#keystone.token(user), Accept: 'application/json' };
    const answer = await fetch(`${this.#url}/v1/secrets/${id}`, { headers });
    await answer.body?.cancel();
    if (answer.status !== 200 && answer.status !== 404) throw new Error(`Barbican answered ${answer.status}`);
    return answer.status === 200;
  }
}

/** Running, and in Keystone's catalogue. Take it `down` in `after`, before its Keystone. */
export async function startBarbican(keystone: Keystone): Promise<Barbican> {
  const barbican = new Barbican(keystone);
  await barbican.up();
  return barbican;
}
