/** Whether this process can serve: the parts it depends on answer, and no shutdown is under way. */

import type { Database } from '../database/connect.ts';
import { pingDatabase } from '../database/ping.ts';
import type { Session } from '../database/session.ts';
import type { Stores } from '../stores/registry.ts';

export interface Readiness {
  readonly ready: boolean;
  /** Part → `ok`, or what is wrong in a few words. */
  readonly checks: Record<string, string>;
}

/** Milliseconds a part may take to answer. */
const patienceMs = 3000;

async function check(work: Promise<unknown>): Promise<string> {
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve('does not answer'), patienceMs);
  const answer = await Promise.race([
    work.then(
      () => 'ok',
      () => 'fails',
    ),
    late,
  ]);
  clearTimeout(timer);
  return answer;
}

export async function checkReadiness(parts: {
  readonly database: Database;
  readonly session: Session;
  readonly stores: Stores;
  readonly stopping: () => boolean;
}): Promise<Readiness> {
  const checks: Record<string, string> = { server: parts.stopping() ? 'stopping' : 'ok' };
  checks.database = await check(pingDatabase(parts.database));
  // Without it others may judge this process dead: no upload can begin then.
  checks.session = parts.session.connected ? 'ok' : 'is coming back';
  for (const store of parts.stores.all)
    checks[`store ${store.id}`] = await check(store.capacity?.() ?? Promise.resolve());
  return { ready: Object.values(checks).every((answer) => answer === 'ok'), checks };
}
