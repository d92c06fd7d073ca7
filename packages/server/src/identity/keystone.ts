/** Identity mode "keystone": tokens of Keystone v3, validated there and remembered for a while. */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { Failure } from '../base/failure.ts';
import { type Caller, createCaller } from './caller.ts';
import { headerText, type Identity } from './identity.ts';
import { KeystoneClient, type KeystoneSettings, type KeystoneToken } from './keystone-client.ts';

/** Milliseconds that "not valid" is remembered. */
const refusalMs = 5_000;
/** Milliseconds past the cache time that a token goes on while Keystone is away. */
const graceMs = 600_000;
/** Milliseconds that a token goes on without asking again after Keystone was found away. */
const awayMs = 3_000;
const rememberMost = 20_000;
/** Longer than any token; what other signs there are, Keystone cannot have given out. */
const possibleToken = /^[\x21-\x7e]{1,8192}$/;

interface Known {
  /** null: not valid. */
  readonly token: KeystoneToken | null;
  /** Milliseconds since the epoch; a clock that jumps back ends the memory too. */
  readonly since: number;
}

interface Asked {
  readonly allowExpired: boolean;
  readonly now: number;
}

function refusal(): Failure {
  return new Failure('unauthenticated', 'The token is missing, unknown, expired or revoked.');
}

function hasExpired(token: KeystoneToken, now: number): boolean {
  return !(Date.parse(token.expires_at) > now);
}

function callerOf(token: KeystoneToken, service: KeystoneToken | null): Caller {
  return createCaller({
    userId: token.user.id,
    projectId: token.project?.id ?? null,
    domainId: token.domain?.id ?? null,
    systemScope: token.system?.all === true ? 'all' : null,
    userDomainId: token.user.domain?.id ?? null,
    projectDomainId: token.project?.domain?.id ?? null,
    roles: (token.roles ?? []).map(({ name }) => name),
    serviceRoles: (service?.roles ?? []).map(({ name }) => name),
  });
}

class Keystone implements Identity {
  readonly mode = 'keystone';
  readonly #client: KeystoneClient;
  readonly #cacheMs: number;
  readonly #known = new Map<string, Known>();
  readonly #asking = new Map<string, Promise<KeystoneToken | null>>();
  /** Milliseconds since the epoch of the last time that Keystone did not answer. */
  #awaySince = Number.NEGATIVE_INFINITY;

  constructor(settings: KeystoneSettings) {
    this.#client = new KeystoneClient(settings);
    this.#cacheMs = settings.cacheTime * 1000;
  }

  async authenticate(headers: IncomingHttpHeaders): Promise<Caller> {
    const text = headerText(headers, 'x-auth-token');
    if (text === undefined) throw refusal();
    const now = Date.now();
    const service = await this.#service(headerText(headers, 'x-service-token'), now);
    const isService = service?.roles?.some(({ name }) => name.toLowerCase() === 'service') ?? false;
    const token = await this.#look(text, { allowExpired: isService, now });
    if (token === null || (hasExpired(token, now) && !isService)) throw refusal();
    return callerOf(token, service);
  }

  async close(): Promise<void> {
    this.#known.clear();
    await this.#client.close();
  }

  /** A service token that is there must be valid. */
  async #service(text: string | undefined, now: number): Promise<KeystoneToken | null> {
    if (text === undefined || text === '') return null;
    const token = await this.#look(text, { allowExpired: false, now });
    if (token === null || hasExpired(token, now)) throw refusal();
    return token;
  }

  async #look(text: string, asked: Asked): Promise<KeystoneToken | null> {
    if (!possibleToken.test(text)) return null;
    const key = createHash('sha256').update(`${asked.allowExpired} ${text}`).digest('base64');
    const known = this.#known.get(key);
    const age = known === undefined ? Number.POSITIVE_INFINITY : asked.now - known.since;
    const keepMs = known?.token === null ? Math.min(refusalMs, this.#cacheMs) : this.#cacheMs;
    if (known !== undefined && age >= 0 && age < keepMs) return known.token;
    const mayGoOn = known !== undefined && known.token !== null && age >= 0 && age < this.#cacheMs + graceMs;
    const awayFor = asked.now - this.#awaySince;
    if (mayGoOn && awayFor >= 0 && awayFor < awayMs) return known.token;
    try {
      return await this.#ask(key, text, asked);
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'unavailable') throw error;
      this.#awaySince = Date.now();
      if (mayGoOn) return known.token;
      throw error;
    }
  }

  /** Many requests with one token ask once. */
  async #ask(key: string, text: string, { allowExpired, now }: Asked): Promise<KeystoneToken | null> {
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = this.#client.validate(text, allowExpired).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    const token = await asking;
    // The oldest go first, so that made-up tokens do not push out all good ones at once.
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= rememberMost) this.#known.delete(oldest);
    this.#known.delete(key);
    this.#known.set(key, { token, since: now });
    return token;
  }
}

export function openKeystone(settings: KeystoneSettings): Identity {
  return new Keystone(settings);
}
