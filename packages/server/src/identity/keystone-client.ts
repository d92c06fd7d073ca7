/** The calls to Keystone v3: our own token, and what it says of other tokens. */
import { readFileSync } from 'node:fs';
import { Agent, type Dispatcher, request } from 'undici';
import { Failure } from '../base/failure.ts';
import type { Catalogue } from './catalogue.ts';

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

/** What our own token is good for: our project, or reading what belongs to all projects. */
export type OwnScope = 'project' | 'system';

const patienceMs = 10_000;

function away(cause: unknown): Failure {
  return new Failure('unavailable', 'The identity service does not answer: try again in a moment.', {
    cause,
  });
}

export class KeystoneClient {
  readonly #settings: KeystoneSettings;
  readonly #scope: OwnScope;
  readonly #dispatcher: Agent;
  #own: Promise<string> | null = null;

  constructor(settings: KeystoneSettings, scope: OwnScope = 'project') {
    this.#settings = settings;
    this.#scope = scope;
    const ca = settings.caFile === null ? undefined : readFileSync(settings.caFile, 'utf8');
    this.#dispatcher = new Agent({ connect: { timeout: patienceMs, ca }, headersTimeout: patienceMs });
  }

  /**
   * What Keystone says of `token`, or null when it is not valid. `allowExpired` accepts one that ran out, for a
   * service that goes on with a user's work. Fails with unavailable when Keystone cannot say.
   */
  async validate(token: string, allowExpired: boolean): Promise<KeystoneToken | null> {
    return await this.#asOurselves(
      (own) => this.#ask(token, allowExpired, own),
      (answer) => readToken(answer),
    );
  }

  /** A document of Keystone's, read as ourselves. Fails with unavailable. */
  async get<T>(path: string): Promise<T> {
    const ask = (own: string) => this.#send(path, { 'X-Auth-Token': own });
    return await this.#asOurselves(ask, async (answer) => {
      if (answer.statusCode === 200) return (await readJson(answer)) as T;
      await answer.body.dump();
      throw away(new Error(`Keystone answered ${answer.statusCode} to ${path}.`));
    });
  }

  /** What the owner of `token` is shown of services. Fails with unauthenticated when it is not valid any more, or unavailable. */
  async catalogue(token: string): Promise<Catalogue> {
    const answer = await this.#send('/auth/catalog', { 'X-Auth-Token': token });
    if (answer.statusCode === 200) return (await readJson(answer)) as Catalogue;
    await answer.body.dump();
    if (answer.statusCode === 401)
      throw new Failure(
        'unauthenticated',
        'The token that the work was asked for with is not valid any more.',
      );
    throw away(new Error(`Keystone answered ${answer.statusCode} to the catalogue of a token.`));
  }

  async close(): Promise<void> {
    await this.#dispatcher.close();
  }

  /** When our own token ran out or was revoked: once more with a new one, then the answer counts. */
  async #asOurselves<T>(
    ask: (own: string) => Promise<Dispatcher.ResponseData>,
    read: (answer: Dispatcher.ResponseData) => Promise<T>,
  ): Promise<T> {
    const own = this.#ownToken();
    const first = await ask(await own);
    if (first.statusCode !== 401) return await read(first);
    await first.body.dump();
    // Of many requests that meet this at once, only the first logs in.
    if (this.#own === own) this.#own = null;
    return await read(await ask(await this.#ownToken()));
  }

  async #ask(token: string, allowExpired: boolean, own: string): Promise<Dispatcher.ResponseData> {
    const path = `/auth/tokens?nocatalog${allowExpired ? '&allow_expired=1' : ''}`;
    return await this.#send(path, { 'X-Auth-Token': own, 'X-Subject-Token': token });
  }

  async #send(path: string, headers: Record<string, string>): Promise<Dispatcher.ResponseData> {
    const options = { dispatcher: this.#dispatcher, bodyTimeout: patienceMs };
    return await request(this.#url(path), {
      ...options,
      headers: { ...headers, Accept: 'application/json' },
    }).catch((error: unknown) => {
      throw away(error);
    });
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
    const scope = this.#scope === 'system' ? { system: { all: true } } : { project };
    const auth = { identity: { methods: ['password'], password: { user } }, scope };
    const answer = await request(this.#url('/auth/tokens?nocatalog'), {
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
      throw away(
        new Error(`Keystone answered ${answer.statusCode} to our own login for the ${this.#scope} scope.`),
      );
    return token;
  }

  #url(path: string): string {
    return `${this.#settings.authUrl.replace(/\/+$/, '')}${path}`;
  }
}

async function readJson(answer: Dispatcher.ResponseData): Promise<unknown> {
  return await answer.body.json().catch((error: unknown) => {
    throw away(error);
  });
}

/** Of what decides about access. */
function isToken(value: unknown): value is KeystoneToken {
  if (typeof value !== 'object' || value === null) return false;
  const { user, expires_at, roles = [] } = value as Partial<KeystoneToken>;
  const isNamed = (role: { readonly name: string } | null) => typeof role?.name === 'string';
  return (
    typeof user?.id === 'string' &&
    !Number.isNaN(Date.parse(String(expires_at))) &&
    Array.isArray(roles) &&
    roles.every(isNamed)
  );
}

async function readToken(answer: Dispatcher.ResponseData): Promise<KeystoneToken | null> {
  if (answer.statusCode === 200) {
    const body = (await readJson(answer)) as { token?: unknown } | null;
    if (isToken(body?.token)) return body.token;
    throw away(new Error('Keystone answered a validation with something that is no token.'));
  }
  await answer.body.dump();
  if (answer.statusCode === 404) return null;
  throw away(new Error(`Keystone answered ${answer.statusCode} to a validation.`));
}
