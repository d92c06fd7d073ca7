/** Identity mode "oidc" on an issuer of its own: real HTTP, real keys. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import {
  exportJWK,
  exportSPKI,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JWTPayload,
  SignJWT,
} from 'jose';
import type { Caller } from './caller.ts';
import type { Identity } from './identity.ts';
import { type OidcSettings, openOidc } from './oidc.ts';

const audience = 'images';
const standardClaims = { user: 'sub', project: 'project_id', roles: 'roles' };

/** Publishes whichever keys it has at the moment. */
class Issuer {
  readonly #server: Server;
  readonly #keys = new Map<string, { pair: GenerateKeyPairResult; algorithm: string }>();
  /** What it answers for its keys instead of them. */
  outage: { status: number; body: string } | null = null;
  keyRequests = 0;

  constructor() {
    this.#server = createServer((request, response) => {
      const send = (status: number, body: string) =>
        response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
      if (request.url === '/.well-known/openid-configuration')
        return send(200, JSON.stringify({ issuer: this.url, jwks_uri: `${this.url}/keys` }));
      this.keyRequests += 1;
      if (this.outage !== null) return send(this.outage.status, this.outage.body);
      void this.#keySet().then((keys) => send(200, JSON.stringify({ keys })));
    });
  }

  async listen(port = 0): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async addKey(id: string, algorithm = 'RS256'): Promise<void> {
    this.#keys.set(id, { pair: await generateKeyPair(algorithm, { extractable: true }), algorithm });
  }

  dropKey(id: string): void {
    this.#keys.delete(id);
  }

  async publicPem(id: string): Promise<string> {
    return await exportSPKI(this.#key(id).pair.publicKey);
  }

  /** A token that is good unless `claims` says otherwise. */
  async sign(id: string, claims: JWTPayload = {}): Promise<string> {
    const { pair, algorithm } = this.#key(id);
    return await new SignJWT({ ...this.claims(), ...claims })
      .setProtectedHeader({ alg: algorithm, kid: id })
      .sign(pair.privateKey);
  }

  claims(): JWTPayload {
    const exp = Math.floor(Date.now() / 1000) + 300;
    return { iss: this.url, aud: audience, exp, sub: 'ann', project_id: 'p1', roles: ['member'] };
  }

  #key(id: string) {
    const key = this.#keys.get(id);
    if (key === undefined) throw new Error(`no key ${id}`);
    return key;
  }

  async #keySet() {
    const all = Array.from(this.#keys, async ([kid, { pair, algorithm }]) => ({
      ...(await exportJWK(pair.publicKey)),
      kid,
      alg: algorithm,
    }));
    return await Promise.all(all);
  }
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('tokens of an issuer', () => {
  const issuer = new Issuer();
  const opened: Identity[] = [];

  before(async () => {
    await issuer.listen();
    await issuer.addKey('first');
  });
  afterEach(() => {
    issuer.outage = null;
  });
  after(async () => {
    for (const identity of opened) await identity.close();
    await issuer.close();
  });

  const open = (settings: Partial<OidcSettings> = {}): Identity => {
    const identity = openOidc({
      issuer: issuer.url,
      audience,
      jwksUri: null,
      claims: standardClaims,
      ...settings,
    });
    opened.push(identity);
    return identity;
  };
  const callerOf = (token: string, identity = open()): Promise<Caller> =>
    identity.authenticate({ authorization: `Bearer ${token}` });
  const refuses = (token: string, identity?: Identity) =>
    assert.rejects(callerOf(token, identity), { code: 'unauthenticated' });

  test('a good token says who asks, in either header', async () => {
    const token = await issuer.sign('first');
    const identity = open();
    for (const headers of [{ authorization: `bearer ${token}` }, { 'x-auth-token': token }]) {
      const caller = await identity.authenticate(headers);
      assert.deepEqual(
        [caller.userId, caller.projectId, [...caller.roles]],
        ['ann', 'p1', ['member', 'reader']],
      );
    }
    await assert.rejects(identity.authenticate({}), { code: 'unauthenticated' });
    await assert.rejects(identity.authenticate({ authorization: 'Basic YTpi' }), { code: 'unauthenticated' });
  });

  test('issuer, audience and times must be right', async () => {
    const identity = open();
    const now = Math.floor(Date.now() / 1000);
    const wrong: JWTPayload[] = [
      { iss: 'http://127.0.0.1:1' },
      { iss: `${issuer.url}/` },
      { aud: 'elsewhere' },
      { aud: ['a', 'b'] },
      { aud: [] },
      { exp: now - 60 },
      { nbf: now + 120 },
    ];
    for (const claims of wrong) await refuses(await issuer.sign('first', claims), identity);
    for (const missing of ['iss', 'aud', 'exp'] as const) {
      await refuses(await issuer.sign('first', { [missing]: undefined }), identity);
    }
    // Clocks differ a little.
    await callerOf(await issuer.sign('first', { exp: now - 10, aud: ['other', audience] }), identity);
  });

  test('a token without a signature of the issuer is refused, whatever algorithm it claims', async () => {
    const identity = open();
    const payload = encode(issuer.claims());
    for (const alg of ['none', 'None', 'NONE', ''])
      for (const signature of ['', 'AAAA'])
        await refuses(`${encode({ alg, kid: 'first' })}.${payload}.${signature}`, identity);
    const pem = await issuer.publicPem('first');
    for (const [alg, hash] of [
      ['HS256', 'sha256'],
      ['HS512', 'sha512'],
    ] as const)
      for (const secret of [pem, pem.trim(), '']) {
        const signed = `${encode({ alg, kid: 'first', typ: 'JWT' })}.${payload}`;
        const mac = createHmac(hash, secret).update(signed).digest('base64url');
        await refuses(`${signed}.${mac}`, identity);
      }
    const [head, , signature] = (await issuer.sign('first')).split('.');
    const admin = encode({ ...issuer.claims(), roles: ['admin'] });
    await refuses(`${head}.${admin}.${signature}`, identity);
    for (const nonsense of ['x', 'a.b.c', '..', `${head}.${payload}`]) await refuses(nonsense, identity);
  });

  test('a key that the token brings along does not count', async () => {
    const own = await generateKeyPair('RS256', { extractable: true });
    const jwk = await exportJWK(own.publicKey);
    for (const header of [
      { alg: 'RS256', jwk },
      { alg: 'RS256', kid: 'first', jwk },
      { alg: 'RS256', jku: `${issuer.url}/keys` },
    ])
      await refuses(await new SignJWT(issuer.claims()).setProtectedHeader(header).sign(own.privateKey));
  });

  test('elliptic and Edwards keys work', async () => {
    for (const algorithm of ['ES256', 'EdDSA', 'PS256']) {
      await issuer.addKey(algorithm, algorithm);
      assert.equal((await callerOf(await issuer.sign(algorithm))).userId, 'ann');
      issuer.dropKey(algorithm);
    }
  });

  test('new keys are found, keys that were taken back end', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    await issuer.addKey('old');
    const identity = open();
    const old = await issuer.sign('old');
    await callerOf(old, identity);
    await issuer.addKey('new');
    issuer.dropKey('old');
    const fresh = await issuer.sign('new');
    // An unknown key asks the issuer again, at most once in a while.
    const before = issuer.keyRequests;
    await refuses(fresh, identity);
    assert.equal(issuer.keyRequests, before);
    t.mock.timers.tick(6_000);
    assert.equal((await callerOf(fresh, identity)).userId, 'ann');
    assert.equal(issuer.keyRequests, before + 1);
    await refuses(old, identity);
    issuer.dropKey('new');
  });

  test('keys that cannot be had say nothing about the token: unavailable', async () => {
    const token = await issuer.sign('first');
    const outages = [
      { status: 500, body: '' },
      { status: 404, body: '{}' },
      { status: 200, body: '<html>' },
      { status: 200, body: '{"no":"keys"}' },
    ];
    for (const outage of outages) {
      issuer.outage = outage;
      const identity = open();
      await assert.rejects(callerOf(token, identity), { code: 'unavailable' }, JSON.stringify(outage));
      issuer.outage = null;
      assert.equal((await callerOf(token, identity)).userId, 'ann');
    }
  });

  test('an issuer that is away: known keys go on, without keys unavailable, and back again', async () => {
    const passing = new Issuer();
    await passing.listen();
    await passing.addKey('passing');
    const { port, url } = passing;
    const token = await passing.sign('passing');
    const settings = { issuer: url };
    const known = open(settings);
    await callerOf(token, known);
    const found = open({ ...settings, jwksUri: `${url}/keys` });
    const discovering = open(settings);
    await passing.close();
    assert.equal((await callerOf(token, known)).userId, 'ann');
    for (const identity of [found, discovering])
      await assert.rejects(callerOf(token, identity), { code: 'unavailable' });
    await passing.listen(port);
    for (const identity of [found, discovering])
      assert.equal((await callerOf(token, identity)).userId, 'ann');
    await passing.close();
  });

  test('a discovery document of another issuer is not believed', async () => {
    const claims = { iss: `${issuer.url}/` };
    const identity = open({ issuer: `${issuer.url}/` });
    await assert.rejects(callerOf(await issuer.sign('first', claims), identity), { code: 'unavailable' });
  });

  test('claims are found by name or by a dotted path', async () => {
    const identity = open({
      claims: { user: 'https://example.org/user', project: 'tenant.id', roles: 'realm_access.roles' },
    });
    const claims = (more: JWTPayload) =>
      issuer.sign('first', { 'https://example.org/user': 'u1', tenant: { id: 'p7' }, ...more });
    const caller = await callerOf(await claims({ realm_access: { roles: ['Admin', 7, null] } }), identity);
    assert.deepEqual(
      [caller.userId, caller.projectId, [...caller.roles]],
      ['u1', 'p7', ['admin', 'member', 'reader']],
    );
    const spaced = await callerOf(await claims({ realm_access: { roles: 'reader, other' } }), identity);
    assert.deepEqual([...spaced.roles], ['reader', 'other']);
  });

  test('claims that are missing or of another kind give no right', async () => {
    for (const roles of [undefined, null, 1, true, { admin: true }, [['admin']], '']) {
      const caller = await callerOf(
        await issuer.sign('first', { roles, project_id: { id: 'p' }, sub: undefined }),
      );
      assert.deepEqual([caller.userId, caller.projectId, caller.roles.size], [null, null, 0]);
    }
    const identity = open({ claims: { user: '__proto__.x', project: 'constructor.name', roles: 'a.b.c' } });
    const caller = await callerOf(await issuer.sign('first'), identity);
    assert.deepEqual([caller.userId, caller.projectId, caller.roles.size], [null, null, 0]);
  });
});
