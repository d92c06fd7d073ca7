/** What a PostgreSQL or socket error means: the one place that turns database trouble into a Failure. */
import pg from 'pg';
import { Failure } from '../base/failure.ts';
import { maskCredentials } from '../base/log.ts';

/** SQLSTATEs after which the same request may succeed: connection, shutdown, resources, deadlock, time-out. */
const passingStates: Record<string, string> = {
  '25006': 'The database accepts no writes: it is read-only at the moment.',
  '25P03': 'The database ended a change that paused for too long.',
  '40001': 'The change met another one at the same moment.',
  '40P01': 'The change met another one at the same moment.',
  '53000': 'The database is out of resources.',
  '53100': 'The disk of the database is full.',
  '53200': 'The database is out of memory.',
  '53300': 'The database accepts no more connections.',
  '55P03': 'A lock in the database was not free in time.',
  '57014': 'The database took too long to answer.',
  '57P01': 'The database is shutting down.',
  '57P02': 'The database has crashed and is recovering.',
  '57P03': 'The database is starting up.',
  '57P05': 'The database closed an idle connection.',
};

const unreachableCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EACCES',
]);

/** The driver gives these no code. */
const lostConnection =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Client is closed|Query read timeout|Cannot use a pool after calling end)/;

/** The SQLSTATE of `error` or of what caused it, if PostgreSQL raised it. */
function stateOf(error: unknown): string | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof pg.DatabaseError) return current.code;
  }
  return undefined;
}

function passingSentence(error: unknown): string | undefined {
  if (error instanceof pg.DatabaseError) {
    const code = error.code ?? '';
    return passingStates[code] ?? (code.startsWith('08') ? 'The database cannot be reached.' : undefined);
  }
  if (error instanceof AggregateError) {
    return error.errors.some(passingSentence) ? 'The database cannot be reached.' : undefined;
  }
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error ? String(error.code) : '';
  if (unreachableCodes.has(code) || lostConnection.test(error.message)) {
    return 'The database cannot be reached.';
  }
  return undefined;
}

/**
 * What to throw for `error`: Failure `unavailable` around trouble that passes (no connection, shutdown,
 * deadlock, time-out, no room), anything else unchanged. Every query made through `connect()` goes through this.
 */
export function asDatabaseFailure(error: unknown): unknown {
  if (error instanceof Failure) return error;
  const sentence = passingSentence(error);
  return sentence === undefined ? error : new Failure('unavailable', sentence, { cause: error });
}

/** Whether `error` says that a row with this key exists already, under `constraint` if one is named. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof pg.DatabaseError && current.code === '23505') {
      return constraint === undefined || current.constraint === constraint;
    }
  }
  return false;
}

const refusals: Record<string, string> = {
  '28000': 'refuses this user or address',
  '28P01': 'refuses the password',
  '3D000': 'has no such database',
  '42501': 'does not let this user connect',
  '53300': 'accepts no more connections',
  '57P03': 'is starting up or shutting down',
};

/** Failure `unavailable` that says where the first connection was tried and why it failed; no password in it. */
export function connectFailure(error: unknown, target: string): Failure {
  if (error instanceof Failure) return error;
  const state = stateOf(error);
  const refusal = state === undefined ? undefined : refusals[state];
  if (refusal !== undefined) {
    return new Failure('unavailable', `PostgreSQL at ${target} ${refusal}.`, { cause: error });
  }
  const messages =
    error instanceof AggregateError
      ? error.errors.map((one) => (one instanceof Error ? one.message : String(one)))
      : [error instanceof Error ? error.message : String(error)];
  const reason = maskCredentials([...new Set(messages)].join('; '));
  return new Failure('unavailable', `PostgreSQL at ${target} cannot be used: ${reason}.`, { cause: error });
}
