/** Many callers that ask again as soon as they have their answer, or at a steady rate all together. */
import { setTimeout as delay } from 'node:timers/promises';
import { quantile } from '../measure/figures.ts';
import { HttpCaller } from './http-caller.ts';

export interface CallJob {
  readonly url: string;
  /** Taken in turn. */
  readonly requests: readonly { readonly path: string; readonly token: string | null }[];
  readonly callers: number;
  readonly seconds: number;
  /** Requests a second of all callers together; null: as many as they can. */
  readonly rate: number | null;
}

export interface CallResult {
  readonly answers: number;
  /** With those of the warm-up. */
  readonly allAnswers: number;
  /** Answers whose status was not 200. */
  readonly failed: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
  /** Bytes of a body on average. */
  readonly bytes: number;
  /** Seconds of processor time of the process that calls, warm-up and start included. */
  readonly used: number;
}

/** The code is compiled while it runs: a server that has run for a while is what operators have. */
const warmUpSeconds = 3;

export async function callForAWhile(job: CallJob): Promise<CallResult> {
  const callers = await Promise.all(
    Array.from({ length: job.callers }, () => HttpCaller.open(new URL(job.url))),
  );
  const before = await callTogether(job, callers, warmUpSeconds);
  const result = await callTogether(job, callers, job.seconds);
  for (const caller of callers) caller.close();
  const { user, system } = process.cpuUsage();
  return { ...result, allAnswers: before.answers + result.answers, used: (user + system) / 1e6 };
}

async function callTogether(
  job: CallJob,
  callers: HttpCaller[],
  seconds: number,
): Promise<Omit<CallResult, 'allAnswers' | 'used'>> {
  const requests = job.requests.map(({ path, token }) => callers[0]!.request(path, token));
  const times: number[] = [];
  let [failed, bytes] = [0, 0];
  const begun = performance.now();
  const end = begun + seconds * 1000;
  const gap = job.rate === null ? 0 : (callers.length / job.rate) * 1000;
  const call = async (caller: HttpCaller, index: number) => {
    let due = begun + (gap * index) / callers.length;
    for (let turn = index; performance.now() < end; turn += callers.length) {
      if (gap > 0 && due > performance.now()) await delay(due - performance.now());
      due += gap;
      const answer = await caller.send(requests[turn % requests.length]!);
      times.push(answer.ms);
      bytes += answer.bytes;
      if (answer.status !== 200) failed += 1;
    }
  };
  await Promise.all(callers.map(call));
  const passed = (performance.now() - begun) / 1000;
  times.sort((a, b) => a - b);
  return {
    answers: times.length,
    failed,
    seconds: passed,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    longest: times.at(-1) ?? Number.NaN,
    bytes: bytes / times.length,
  };
}
