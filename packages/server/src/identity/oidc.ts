/** Identity mode "oidc": signed JSON Web Tokens of an OpenID Connect issuer. */
import type { IncomingHttpHeaders } from 'node:http';
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import { Failure } from '../base/failure.ts';
import { type Caller, createCaller } from './caller.ts';
import { headerText, type Identity } from './identity.ts';

export interface OidcSettings {
  readonly issuer: string;
  /** What the `aud` claim must name. */
  readonly audience: string;
  /** Where the issuer's keys are; null: asked from the issuer's discovery document. */
  readonly jwksUri: string | null;
  /** Claims by meaning; a dotted path reaches into objects. */
  readonly claims: { readonly user: string; readonly project: string; readonly roles: string };
}

/** Signatures with a public key only: a shared secret would be known to every server. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const clockToleranceSeconds = 30;
const patienceMs = 10_000;

function away(cause: unknown): Failure {
  return new Failure('unavailable', 'The identity provider does not answer: try again in a moment.', {
    cause,
  });
}

function claimOf(payload: JWTPayload, path: string): unknown {
  if (Object.hasOwn(payload, path)) return payload[path];
  return path.split('.').reduce<unknown>((inner, key) => {
    return typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key)
      ? (inner as Record<string, unknown>)[key]
      : undefined;
  }, payload);
}

function textClaim(payload: JWTPayload, path: string): string | null {
  const value = claimOf(payload, path);
  return typeof value === 'string' && value !== '' ? value : null;
}

/** A list, or one text with names apart by spaces or commas. */
function listClaim(payload: JWTPayload, path: string): string[] {
  const value = claimOf(payload, path);
  if (Array.isArray(value)) return value.filter((entry) => typeof entry === 'string');
  return typeof value === 'string' ? value.split(/[\s,]+/) : [];
}

function tokenOf(headers: IncomingHttpHeaders): string {
  const bearer = /^Bearer\s+(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const text = headerText(headers, 'x-auth-token') ?? bearer;
  if (text === undefined) throw new Failure('unauthenticated', 'The request has no token.');
  return text;
}

async function discoverKeys(settings: OidcSettings): Promise<URL> {
  if (settings.jwksUri !== null) return new URL(settings.jwksUri);
  const url = `${settings.issuer.replace(/\/+$/, '')}/.well-known/openid-configuration`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(patienceMs), redirect: 'error' });
  if (!answer.ok) throw new Error(`The issuer answered ${answer.status} to ${url}.`);
  const { issuer, jwks_uri } = (await answer.json()) as { issuer?: string; jwks_uri?: string };
  if (issuer !== settings.issuer || jwks_uri === undefined)
    throw new Error(`The document at ${url} is not that of the issuer ${settings.issuer}.`);
  return new URL(jwks_uri);
}

class Oidc implements Identity {
  readonly mode = 'oidc';
  readonly #settings: OidcSettings;
  #keys: Promise<ReturnType<typeof createRemoteJWKSet>> | null = null;

  constructor(settings: OidcSettings) {
    this.#settings = settings;
  }

  async authenticate(headers: IncomingHttpHeaders): Promise<Caller> {
    const payload = await this.#verify(tokenOf(headers));
    const { claims } = this.#settings;
    return createCaller({
      userId: textClaim(payload, claims.user),
      projectId: textClaim(payload, claims.project),
      roles: listClaim(payload, claims.roles),
    });
  }

  async close(): Promise<void> {}

  async #verify(token: string): Promise<JWTPayload> {
    const { issuer, audience } = this.#settings;
    const keys = await this.#keySet();
    try {
      const options = {
        issuer,
        audience,
        algorithms,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['exp'],
      };
      return (await jwtVerify(token, keys, options)).payload;
    } catch (error) {
      const isOurs = error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout);
      // An answer of the issuer that is no key set, or none at all, says nothing about the token.
      const isKeySetTrouble = error instanceof errors.JWKSInvalid || errorIsGeneric(error);
      if (!isOurs || isKeySetTrouble) throw away(error);
      throw new Failure('unauthenticated', 'The token is not valid here, or has expired.', { cause: error });
    }
  }

  #keySet(): Promise<ReturnType<typeof createRemoteJWKSet>> {
    this.#keys ??= discoverKeys(this.#settings).then(
      (url) =>
        createRemoteJWKSet(url, { cooldownDuration: 5_000, cacheMaxAge: 600_000, timeoutDuration: 5_000 }),
      (error: unknown) => {
        this.#keys = null;
        throw away(error);
      },
    );
    return this.#keys;
  }
}

/** The library reports an unexpected status of the key set's server by its most general error. */
function errorIsGeneric(error: unknown): boolean {
  return error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC';
}

export function openOidc(settings: OidcSettings): Identity {
  return new Oidc(settings);
}
