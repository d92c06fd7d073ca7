/** What identity mode "keystone" adds to a request whose token is remembered, beside a server that asks nobody. */
import { startKeystone, withoutKeystone } from '../../test/services/keystone.ts';
import type { CallResult } from '../load/call.ts';
import { median } from '../measure/figures.ts';
import { processorSeconds } from '../measure/process-figures.ts';
import { type Served, startServed } from '../measure/served.ts';
import { startWorker } from '../measure/worker-process.ts';
import type { Parts } from './parts.ts';

/** A request that asks the database nothing, so that the difference stands out. */
const path = '/v2/schemas/image';
const rounds = 5;

interface Round {
  /** Milliseconds. */
  readonly p50: number;
  /** Milliseconds of the server's processor time each. */
  readonly used: number;
}

/** One caller, who asks again as soon as it has its answer. */
async function ask(served: Served, token: string | null, seconds: number): Promise<Round> {
  const before = processorSeconds(served.pid);
  const request = { url: served.url, requests: [{ path, token }], callers: 1, seconds, rate: null };
  await using worker = await startWorker<CallResult>({ work: 'call', ...request });
  const { p50, failed, allAnswers } = await worker.first;
  if (failed > 0) throw new Error(`${failed} answers were not 200.`);
  return { p50, used: ((processorSeconds(served.pid) - before) / allAnswers) * 1000 };
}

export async function identity({ scale, report }: Parts): Promise<void> {
  const missing = withoutKeystone();
  if (missing !== false) throw new Error(`This needs a Keystone, which is ${missing}.`);
  const keystone = await startKeystone();
  try {
    await using asking = await startServed([], { mode: 'keystone', keystone: keystone.settings() });
    await using open = await startServed([], { mode: 'none' });
    const token = await keystone.token('demo-member');
    const pairs: { asked: Round; plain: Round }[] = [];
    // In turns, so that whatever else the machine does slows down both alike.
    for (let round = 0; round < rounds; round += 1) {
      const asked = await ask(asking, token, scale.listSeconds);
      pairs.push({ asked, plain: await ask(open, null, scale.listSeconds) });
    }
    const middle = (pick: (pair: (typeof pairs)[number]) => number) => median(pairs.map(pick));
    report({ what: 'mode "none", one caller: p50', value: middle(({ plain }) => plain.p50), unit: 'ms' });
    report({ what: 'mode "keystone", one caller: p50', value: middle(({ asked }) => asked.p50), unit: 'ms' });
    report({
      what: 'added by mode "keystone"',
      value: middle(({ asked, plain }) => asked.p50 - plain.p50),
      unit: 'ms',
      target: { atMost: 0.3 },
    });
    report({
      what: 'added processor time of the server',
      value: middle(({ asked, plain }) => asked.used - plain.used),
      unit: 'ms each',
      target: { atMost: 0.3 },
    });
  } finally {
    await keystone.close();
  }
}
