/** One caller that asks for the same thing every few milliseconds: how long the server's event loop is away. */
import { setTimeout as delay } from 'node:timers/promises';
import { quantile } from '../measure/figures.ts';
import { HttpCaller } from './http-caller.ts';

export interface ProbeJob {
  readonly url: string;
  readonly path: string;
  readonly token?: string;
}

export interface ProbeResult {
  readonly answers: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}

const everyMs = 10;

/** Until SIGTERM. */
export async function probeUntilStopped({ url, path, token }: ProbeJob): Promise<ProbeResult> {
  const stop = { asked: false };
  process.once('SIGTERM', () => {
    stop.asked = true;
  });
  const caller = await HttpCaller.open(new URL(url));
  const request = caller.request(path, token ?? null);
  const times: number[] = [];
  while (!stop.asked) {
    times.push((await caller.send(request)).ms);
    await delay(everyMs);
  }
  caller.close();
  times.sort((a, b) => a - b);
  return {
    answers: times.length,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    longest: times.at(-1) ?? Number.NaN,
  };
}
