/** Whether this process can serve: the parts that all depends on answer, and no shutdown is under way. */

import type { Database } from '../database/connect.ts';
import { pingDatabase } from '../database/ping.ts';
import type { Session } from '../database/session.ts';
import type { Stores } from '../stores/registry.ts';
import type { Store } from '../stores/store.ts';

export interface Readiness {
  /** Whatever else fails: of images in another store than the default one there may be copies elsewhere. */
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
  const { stores } = parts;
  const needed: Record<string, Promise<string> | string> = {
    server: parts.stopping() ? 'stopping' : 'ok',
    database: check(pingDatabase(parts.database)),
    // Without it others may judge this process dead: no upload can begin then.
    session: parts.session.connected ? 'ok' : 'is coming back',
    [nameOf(stores.default)]: checkStore(stores.default),
  };
  const others = stores.all.filter((store) => store !== stores.default);
  const all = { ...needed, ...Object.fromEntries(others.map((store) => [nameOf(store), checkStore(store)])) };
  const answers = await Promise.all(
    Object.entries(all).map(async ([part, answer]) => [part, await answer] as const),
  );
  const checks = Object.fromEntries(answers);
  return { ready: Object.keys(needed).every((part) => checks[part] === 'ok'), checks };
}

function nameOf({ id }: Store): string {
  return `store ${id}`;
}

function checkStore(store: Store): Promise<string> {
  return check(store.probe?.() ?? store.capacity?.() ?? Promise.resolve());
}
