/** Who PostgreSQL runs as: it refuses root, so root hands it to an unprivileged account. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Failure } from '../../base/failure.ts';

/** `null` in its place means: as ourselves. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
}

const run = promisify(execFile);
const candidates = ['postgres', 'nobody'];

async function lookUp(name: string): Promise<Account | null> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout), name };
  } catch {
    return null;
  }
}

/** Whether we may, and therefore must, hand PostgreSQL to another account. */
export function weAreRoot(): boolean {
  return process.getuid?.() === 0;
}

/** `postgres`, else `nobody`, for root; null for anybody else. Fails with unavailable when root has neither. */
export async function unprivilegedAccount(): Promise<Account | null> {
  if (!weAreRoot()) return null;
  for (const name of candidates) {
    const account = await lookUp(name);
    if (account !== null && account.uid !== 0) return account;
  }
  throw new Failure(
    'unavailable',
    'PostgreSQL does not run as root and there is neither a user "postgres" nor "nobody": run as an ordinary user or set database.url.',
  );
}

/** The options that start a program as `account`, with nothing of our environment. */
export function asAccount(account: Account | null) {
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
  return account === null ? { env } : { env, uid: account.uid, gid: account.gid };
}
