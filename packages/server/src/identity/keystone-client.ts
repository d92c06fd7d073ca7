/** The calls to Keystone v3: our own token, and what it says of other tokens. */
import { readFileSync } from 'node:fs';
import { Agent, type Dispatcher, request } from 'undici';
import { Failure } from '../base/failure.ts';

export interface KeystoneSettings {
  /** `https://…/v3`. */
  readonly authUrl: string;
  readonly username: string;
  readonly password: string;
  readonly projectName: string;
  readonly userDomainName: string;
  readonly projectDomainName: string;
  /** File with the certificate authorities to trust instead of the system's. */
  readonly caFile: string | null;
  /** Seconds that a validation is remembered. */
  readonly cacheTime: number;
}

/** The body of a validated token, as far as we read it. */
export interface KeystoneToken {
  readonly expires_at: string;
  readonly user: { readonly id: string; readonly domain?: { readonly id: string } };
  readonly project?: { readonly id: string; readonly domain?: { readonly id: string } };
  readonly domain?: { readonly id: string };
  readonly system?: { readonly all?: boolean };
  readonly roles?: readonly { readonly name: string }[];
}

const patienceMs = 10_000;

function away(cause: unknown): Failure {
  return new Failure('unavailable', 'The identity service does not answer: try again in a moment.', {
    cause,
  });
}

export class KeystoneClient {
  readonly #settings: KeystoneSettings;
  readonly #dispatcher: Agent;
  #own: Promise<string> | null = null;

  constructor(settings: KeystoneSettings) {
    this.#settings = settings;
    const ca = settings.caFile === null ? undefined : readFileSync(settings.caFile, 'utf8');
    this.#dispatcher = new Agent({ connect: { timeout: patienceMs, ca }, headersTimeout: patienceMs });
  }

  /**
   * What Keystone says of `token`, or null when it is not valid. `allowExpired` accepts one that ran out, for a
   * service that goes on with a user's work. Fails with unavailable when Keystone cannot say.
   */
  async validate(token: string, allowExpired: boolean): Promise<KeystoneToken | null> {
    const first = await this.#ask(token, allowExpired, await this.#ownToken());
    if (first.statusCode !== 401) return await readToken(first);
    await first.body.dump();
    // Our own token ran out or was revoked: one new one, then the answer counts.
    this.#own = null;
    const second = await this.#ask(token, allowExpired, await this.#ownToken());
    if (second.statusCode === 401) this.#own = null;
    return await readToken(second);
  }

  /** A document of Keystone's, read as ourselves. Fails with unavailable. */
  async get<T>(path: string): Promise<T> {
    for (let fresh = false; ; fresh = true) {
      const headers = { 'X-Auth-Token': await this.#ownToken(), Accept: 'application/json' };
      const options = { dispatcher: this.#dispatcher, headers, bodyTimeout: patienceMs };
      const answer = await request(this.#url(path), options).catch((error: unknown) => {
        throw away(error);
      });
      if (answer.statusCode === 200) return (await answer.body.json()) as T;
      await answer.body.dump();
      if (answer.statusCode !== 401 || fresh)
        throw away(new Error(`Keystone answered ${answer.statusCode} to ${path}.`));
      this.#own = null;
    }
  }

  async close(): Promise<void> {
    await this.#dispatcher.close();
  }

  async #ask(token: string, allowExpired: boolean, own: string): Promise<Dispatcher.ResponseData> {
    const url = `${this.#url('/auth/tokens')}${allowExpired ? '?allow_expired=1' : ''}`;
    const headers = { 'X-Auth-Token': own, 'X-Subject-Token': token, Accept: 'application/json' };
    return await request(url, { dispatcher: this.#dispatcher, headers, bodyTimeout: patienceMs }).catch(
      (error) => {
        throw away(error);
      },
    );
  }

  #ownToken(): Promise<string> {
    this.#own ??= this.#logIn().catch((error: unknown) => {
      this.#own = null;
      throw error;
    });
    return this.#own;
  }

  async #logIn(): Promise<string> {
    const { username, password, userDomainName, projectName, projectDomainName } = this.#settings;
    const user = { name: username, password, domain: { name: userDomainName } };
    const project = { name: projectName, domain: { name: projectDomainName } };
    const auth = { identity: { methods: ['password'], password: { user } }, scope: { project } };
    const answer = await request(this.#url('/auth/tokens'), {
      method: 'POST',
      dispatcher: this.#dispatcher,
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ auth }),
      bodyTimeout: patienceMs,
    }).catch((error: unknown) => {
      throw away(error);
    });
    await answer.body.dump();
    const token = answer.headers['x-subject-token'];
    if (answer.statusCode !== 201 || typeof token !== 'string')
      throw away(new Error(`Keystone answered ${answer.statusCode} to our own login.`));
    return token;
  }

  #url(path: string): string {
    return `${this.#settings.authUrl.replace(/\/+$/, '')}${path}`;
  }
}

async function readToken(answer: Dispatcher.ResponseData): Promise<KeystoneToken | null> {
  if (answer.statusCode === 200) {
    const { token } = (await answer.body.json().catch((error: unknown) => {
      throw away(error);
    })) as { token: KeystoneToken };
    return token;
  }
  await answer.body.dump();
  if (answer.statusCode === 404) return null;
  throw away(new Error(`Keystone answered ${answer.statusCode} to a validation.`));
}
