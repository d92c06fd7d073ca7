/** When to strike: somewhere in the middle of the work, not twice at the same place. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Chance } from './bytes.ts';
import type { Traffic } from './traffic.ts';

/** Milliseconds; the work may not come to what is waited for. */
const longest = 4000;

/** Resolves between two writes, around the commit of an upload or in a deletion, with what it was. */
export async function randomMoment(traffic: Traffic, chance: Chance): Promise<string> {
  const kind = chance.oneOf(['piece', 'last', 'last', 'delete'] as const);
  const count = { piece: chance.between(1, 300), last: chance.between(1, 12), delete: chance.between(1, 3) }[
    kind
  ];
  const moreMs = kind === 'piece' ? 0 : chance.between(0, 25);
  const signal = AbortSignal.timeout(longest);
  try {
    for (let seen = 0; seen < count; seen += 1) await once(traffic, kind, { signal });
  } catch {
    return `${longest} ms without ${count} × ${kind}`;
  }
  await delay(moreMs);
  return `${count} × ${kind} and ${moreMs} ms`;
}
