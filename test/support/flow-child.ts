/** A worker as a process of its own, told over IPC to take up flows, and what to do to itself at a moment of one. */
// First, so that nothing has asked what time it is before.
import './skewed-clock.ts';
import { createLog, loadConfig, startApp } from '@tintype/server';
import { Failure } from '../../packages/server/src/base/failure.ts';
import type { Moment } from '../../packages/server/src/flows/seams.ts';

type At = Pick<Moment, 'record' | 'when'>;

/** What the parent says. */
export interface Order {
  /** A signal to itself when it gets there; null: it works on. */
  readonly hit: (At & { readonly signal: 'SIGKILL' | 'SIGSTOP' | 'SIGTERM' }) | null;
  /** This moment fails. */
  readonly failAt: At | null;
}

let order: Order | null = null;

process.on('message', (given) => {
  order = given as Order;
  process.send!('working');
});

const config = await loadConfig({ file: process.argv[2]!, overrides: { dataDir: process.argv[3]! } });
const app = await startApp(config, createLog('fatal'), {
  roles: new Set(['worker']),
  seams: {
    beatMs: Number(process.env.TINTYPE_TEST_BEAT_MS),
    mayClaim: () => order !== null,
    reach({ record, when }) {
      if (record === order?.failAt?.record && when === order.failAt.when)
        throw new Failure('size_cap', 'A test ends it here.');
      if (record !== order?.hit?.record || when !== order.hit.when) return;
      const { signal } = order.hit;
      order = { ...order, hit: null };
      process.kill(process.pid, signal);
    },
  },
});
process.once('SIGTERM', async () => {
  await app.close();
  process.disconnect();
});
process.send!('ready');
