/** Prints the results of test files: a line for each, failures in full, skips with their reasons. */
import type { TestOutcome } from './event-reporter.ts';
import type { FileRun } from './run-file.ts';

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

export function count(runs: FileRun[]): Totals {
  const outcomes = runs.flatMap((run) => run.outcomes);
  const of = (result: TestOutcome['result']) => outcomes.filter((one) => one.result === result).length;
  const faults = runs.reduce((sum, run) => sum + run.faults.length, 0);
  return { passed: of('passed'), failed: of('failed') + faults, skipped: of('skipped') };
}

/** The last line of every run, which `.ci/run` reads: `12 passed, 0 failed`, then `, 1 skipped` if any. */
export function formatTotals({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

function indent(text: string): string {
  return text.trimEnd().replace(/^/gm, '    ');
}

export function formatFileRun(run: FileRun): string {
  const totals = count([run]);
  const verdict = totals.failed > 0 ? 'FAIL' : 'ok  ';
  const lines = [
    `${verdict} ${run.file} (${formatTotals(totals)}, ${(run.milliseconds / 1000).toFixed(1)} s)`,
    ...run.outcomes
      .filter((one) => one.result === 'failed')
      .map((one) => `  ✗ ${one.path.join(' › ')} (${run.file}:${one.line})\n${indent(one.details)}`),
    ...run.faults.map((fault) => `  ✗ ${run.file} ${fault}`),
  ];
  if (totals.failed > 0 && run.output.trim() !== '') lines.push('  it printed:', indent(run.output));
  return lines.join('\n');
}

/** Every skip with its reason; empty when nothing was skipped. */
export function formatSkips(runs: FileRun[]): string {
  const lines = runs.flatMap((run) =>
    run.outcomes
      .filter((one) => one.result === 'skipped')
      .map((one) => `  - ${run.file}: ${one.path.join(' › ')}: ${one.details}`),
  );
  return lines.length === 0 ? '' : ['skipped:', ...lines].join('\n');
}

/** The names of what failed, repeated at the end where a person looks first. */
export function formatFailures(runs: FileRun[]): string {
  const lines = runs.flatMap((run) => [
    ...run.outcomes
      .filter((one) => one.result === 'failed')
      .map((one) => `  ✗ ${run.file}:${one.line} ${one.path.join(' › ')}`),
    ...run.faults.map((fault) => `  ✗ ${run.file} ${fault}`),
  ]);
  return lines.length === 0 ? '' : ['failed:', ...lines].join('\n');
}
