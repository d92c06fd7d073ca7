/** The server that the black-box suite speaks to: one of its own, or any other that the environment names. */
import assert from 'node:assert/strict';
import { as, startServer, type TestServer } from './server.ts';

/**
 * Whom a test calls as. `caller` is always there: a member of a project, failing that the administrator. `member` and
 * `reader` belong to one project, `other` is a member of another, `admin` acts across projects.
 */
export type Role = 'caller' | 'admin' | 'member' | 'reader' | 'other';

/** Set by `scripts/test-api.ts`. */
export const variables = {
  url: 'TINTYPE_TEST_TARGET',
  identity: 'TINTYPE_TEST_IDENTITY',
  reference: 'TINTYPE_TEST_REFERENCE',
  tokens: {
    admin: 'TINTYPE_TEST_TOKEN_ADMIN',
    member: 'TINTYPE_TEST_TOKEN_MEMBER',
    reader: 'TINTYPE_TEST_TOKEN_READER',
    other: 'TINTYPE_TEST_TOKEN_OTHER',
  },
} as const;

export interface Target {
  /** Without a trailing slash. */
  readonly url: string;
  /** null: somebody else's. */
  readonly server: TestServer | null;
  /** Identity headers. */
  headersOf(role: Role): Record<string, string>;
  /** Has `work` done before the end; on a server of our own nothing needs tidying. */
  tidyLater(work: () => Promise<unknown>): void;
  close(): Promise<void>;
}

type NamedRole = Exclude<Role, 'caller'>;
type Settings = Parameters<typeof startServer>[0];

const projects: Record<NamedRole, readonly [string, Rank]> = {
  admin: ['project-admin', 'admin'],
  member: ['project-one', 'member'],
  reader: ['project-one', 'reader'],
  other: ['project-two', 'member'],
};

const ranks = ['admin', 'member', 'reader'] as const;
export type Rank = (typeof ranks)[number];

/** Identity headers for a role in a project, with the roles it implies as Keystone's tokens have them. */
export function inProject(project: string | null, rank: Rank): Record<string, string> {
  return as(project, ...ranks.slice(ranks.indexOf(rank)));
}

const externalUrl = process.env[variables.url]?.replace(/\/+$/, '');
const identity = externalUrl === undefined ? 'headers' : (process.env[variables.identity] ?? 'none');

function tokenOf(role: NamedRole): string | undefined {
  return process.env[variables.tokens[role]];
}

function isThere(role: Role): boolean {
  if (role === 'caller' || identity === 'headers') return true;
  return identity === 'none' ? role === 'admin' : tokenOf(role) !== undefined;
}

/** For the `skip` option of a test that cannot do without these callers. */
export function needs(...roles: Role[]): string | false {
  const missing = roles.filter((role) => !isThere(role));
  return missing.length > 0 && `the target has no ${missing.join(', ')}: give its token`;
}

/** For the `skip` option of a test that needs settings, stored files or the log of the server. */
export const needsOwnServer: string | false =
  externalUrl !== undefined && 'it needs a server of its own, and the target is another';

/** For the `skip` option of a test whose callers belong to projects of its own making. */
export const needsHeaders: string | false =
  identity !== 'headers' && 'the target does not take identity from headers';

/** For the `skip` option of a test that needs a server which asks who is calling. */
export const needsIdentity: string | false = identity === 'none' && 'the target lets everybody in';

/** Whether the target is the reference implementation, from which the contract differs on purpose. */
const isReference = process.env[variables.reference] === '1';

/**
 * For the `skip` option of a test, or the condition of an assertion, that does not hold of the reference on purpose.
 * `how` is a sentence about the reference; test/golden/reference-differences.txt lists them all.
 */
export function differs(how: string): string | false {
  return isReference && how;
}

function headersOf(role: Role): Record<string, string> {
  const named = role !== 'caller' ? role : isThere('member') ? 'member' : 'admin';
  assert.ok(isThere(named), `the target has no ${named}`);
  if (identity === 'none') return {};
  if (identity === 'tokens') return { 'X-Auth-Token': tokenOf(named)! };
  return inProject(...projects[named]);
}

/** Settings count only for a server of our own: a test that depends on them skips by `needsOwnServer`. */
export async function openTarget(settings: Settings = {}): Promise<Target> {
  const server = externalUrl === undefined ? await startServer(settings) : null;
  const tidying: (() => Promise<unknown>)[] = [];
  return {
    url: server?.url ?? externalUrl!,
    server,
    headersOf,
    tidyLater(work) {
      if (server === null) tidying.push(work);
    },
    async close() {
      for (const work of tidying.reverse()) await work().catch(() => undefined);
      await server?.close();
    },
  };
}
