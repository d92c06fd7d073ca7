/** A real Keystone for tests, started by `keystone-up`, and the calls that tests make to it. */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The folder of a Keystone that several test files share, one after the other. */
const sharedFolder = 'TINTYPE_TEST_KEYSTONE';

/** Users that `keystone-up` makes, with the project they work in. */
export const projects = {
  admin: 'admin',
  glance: 'service',
  nova: 'service',
  'demo-reader': 'demo',
  'demo-member': 'demo',
  'demo-admin': 'demo',
  'other-member': 'other',
} as const;
export type User = keyof typeof projects;

export type Scope = 'project' | 'domain' | 'system' | 'unscoped';

/** `KEYSTONE_…` of keystone.env, without the prefix. */
type Facts = Readonly<Record<string, string>>;

function has(program: string): boolean {
  return ['/usr/bin', '/usr/sbin', '/bin'].some((folder) => {
    try {
      accessSync(path.join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Why these programs are not here and cannot be, or false. In CI their absence is a failure. */
export function withoutPrograms(...programs: string[]): string | false {
  if (process.env.CI === 'true') return false;
  const missing = programs.filter((program) => !has(program));
  if (missing.length === 0) return false;
  if (process.getuid?.() === 0 && has('apt-get')) return false;
  return `not installed, and only root on Debian can: ${missing.join(', ')}`;
}

/** Why there can be no Keystone here, or false. */
export function withoutKeystone(...programs: string[]): string | false {
  return withoutPrograms('keystone-manage', 'uwsgi', ...programs);
}

export class Keystone {
  readonly folder: string;
  readonly #isOurs: boolean;
  #facts: Facts = {};

  constructor(folder: string, isOurs: boolean) {
    this.folder = folder;
    this.#isOurs = isOurs;
  }

  /** `URL`, `TLS_URL`, `CA_FILE`, `PASSWORD`, `DEMO_PROJECT_ID`, … */
  fact(name: string): string {
    const value = this.#facts[name];
    if (value === undefined) throw new Error(`keystone-up says nothing of KEYSTONE_${name}`);
    return value;
  }

  /** Starts it, or starts it again when the life of its tokens is to be another. */
  async up({ tokenSeconds = 3600 } = {}): Promise<void> {
    const env = { ...process.env, KEYSTONE_TOKEN_SECONDS: String(tokenSeconds) };
    const { stdout } = await run(path.join(import.meta.dirname, 'keystone-up'), [this.folder], { env });
    const pairs = stdout.matchAll(/^KEYSTONE_(\w+)=(.*)$/gm);
    this.#facts = Object.fromEntries(Array.from(pairs, ([, name, value]) => [name, value]));
  }

  async down(): Promise<void> {
    await run(path.join(import.meta.dirname, 'keystone-down'), [this.folder]);
  }

  /** A shared one is left as it was found: running. */
  async close(): Promise<void> {
    if (!this.#isOurs) return await this.up();
    await this.down();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Settings of a server that trusts this Keystone. */
  settings(more: Record<string, unknown> = {}) {
    return {
      authUrl: this.fact('URL'),
      username: 'glance',
      password: this.fact('PASSWORD'),
      projectName: projects.glance,
      userDomainName: 'Default',
      projectDomainName: 'Default',
      region: this.fact('REGION'),
      caFile: null,
      cacheTime: 60,
      ...more,
    };
  }

  /** The environment of the usual commands, for `user` in its project. */
  commandEnv(user: User): Record<string, string> {
    return {
      OS_AUTH_URL: this.fact('URL'),
      OS_IDENTITY_API_VERSION: '3',
      OS_USERNAME: user,
      OS_PASSWORD: this.fact('PASSWORD'),
      OS_PROJECT_NAME: projects[user],
      OS_USER_DOMAIN_NAME: 'Default',
      OS_PROJECT_DOMAIN_NAME: 'Default',
      OS_REGION_NAME: this.fact('REGION'),
    };
  }

  /** A new token of `user`. */
  async token(user: User, scope: Scope = 'project'): Promise<string> {
    const domain = { id: 'default' };
    const password = { user: { name: user, domain, password: this.fact('PASSWORD') } };
    const wanted = {
      project: { project: { name: projects[user], domain } },
      domain: { domain },
      system: { system: { all: true } },
      unscoped: 'unscoped',
    }[scope];
    return await this.authenticate({ methods: ['password'], password }, wanted);
  }

  async authenticate(identity: Record<string, unknown>, scope?: unknown): Promise<string> {
    const auth = { identity, ...(scope === undefined ? {} : { scope }) };
    const answer = await fetch(`${this.fact('URL')}/auth/tokens`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ auth }),
    });
    const body = await answer.text();
    const token = answer.headers.get('x-subject-token');
    if (token === null) throw new Error(`Keystone answered ${answer.status}: ${body}`);
    return token;
  }

  async revoke(token: string): Promise<void> {
    await this.call(token, 'DELETE', '/auth/tokens', undefined, { 'X-Subject-Token': token });
  }

  /** The answer's body; null when it has none. Fails when Keystone refuses. */
  async call<T = unknown>(
    token: string,
    method: string,
    address: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const answer = await fetch(`${this.fact('URL')}${address}`, {
      method,
      headers: { 'X-Auth-Token': token, 'Content-Type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`Keystone answered ${answer.status} to ${method} ${address}: ${text}`);
    return (text === '' ? null : JSON.parse(text)) as T;
  }
}

/** Running, with tokens that live an hour. `close` it in `after`. */
export async function startKeystone(): Promise<Keystone> {
  const shared = process.env[sharedFolder];
  const folder = shared ?? (await mkdtemp(path.join(tmpdir(), 'keystone-')));
  const keystone = new Keystone(folder, shared === undefined);
  try {
    await keystone.up();
  } catch (error) {
    await keystone.close().catch(() => {});
    throw error;
  }
  return keystone;
}

/** One request to the server under test. */
export async function ask(
  url: string,
  token: string | null,
  method = 'GET',
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; body: unknown }> {
  const answer = await fetch(url, {
    method,
    headers: {
      ...(token === null ? {} : { 'X-Auth-Token': token }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json') ?? false;
  return { status: answer.status, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
}
