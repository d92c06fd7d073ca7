/** A node:test reporter that writes one JSON line for each finished test, for `scripts/test.ts` to read. */
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';

/** One finished test, or one suite that failed by itself. */
export interface TestOutcome {
  /** Names from the outermost suite inward. */
  readonly path: string[];
  readonly result: 'passed' | 'failed' | 'skipped';
  /** Why it was skipped, or how it failed; empty when it passed. */
  readonly details: string;
  readonly line: number;
}

interface Finished {
  name: string;
  nesting: number;
  line?: number | undefined;
  skip?: string | boolean | undefined;
  todo?: string | boolean | undefined;
  details: { type?: string | undefined; error?: unknown };
}

function describeReason(word: string, reason: string | boolean): string {
  return typeof reason === 'string' && reason !== '' ? reason : `no reason given (${word})`;
}

/** A suite or test that failed only because something inside it did is told there. */
function failedWithin(error: unknown): boolean {
  return error instanceof Error && 'failureType' in error && error.failureType === 'subtestsFailed';
}

function describeError(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return typeof cause === 'string' ? cause : inspect(cause, { depth: 8 });
}

function toOutcome(path: string[], failed: boolean, data: Finished): TestOutcome | undefined {
  const line = data.line ?? 0;
  const { skip, todo } = data;
  if (skip !== undefined && skip !== false) {
    return { path, result: 'skipped', details: describeReason('skip', skip), line };
  }
  if (todo !== undefined && todo !== false) {
    return { path, result: 'skipped', details: describeReason('todo', todo), line };
  }
  if (failed) {
    if (failedWithin(data.details.error)) return undefined;
    return { path, result: 'failed', details: describeError(data.details.error), line };
  }
  return data.details.type === 'suite' ? undefined : { path, result: 'passed', details: '', line };
}

export default async function* reportEvents(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const open: string[] = [];
  for await (const { type, data } of source) {
    if (type === 'test:start') open[data.nesting] = data.name;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const path = [...open.slice(0, data.nesting), data.name];
    const outcome = toOutcome(path, type === 'test:fail', data);
    if (outcome !== undefined) yield `${JSON.stringify(outcome)}\n`;
  }
}
