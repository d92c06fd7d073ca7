/** Runs one check: a program with its output, or a function with what it finds. */
import { spawn } from 'node:child_process';
import { join, resolve as resolvePath } from 'node:path';

export interface Totals {
  passed: number;
  failed: number;
}

export interface Step {
  readonly name: string;
  /** The findings as lines; none means that all is well. */
  readonly run: () => Promise<string[]> | string[];
}

/** A program, by its name in node_modules/.bin or its path; an exit status but 0 is a finding, with all it printed. */
export function program(root: string, name: string, args: string[]): Step['run'] {
  return () =>
    new Promise((resolve) => {
      const child = spawn(resolvePath(root, 'node_modules/.bin', name), args, {
        cwd: root,
        env: { ...process.env, NO_COLOR: '1' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      child.stdout.on('data', (chunk) => {
        output += chunk;
      });
      child.stderr.on('data', (chunk) => {
        output += chunk;
      });
      child.once('error', (error) => resolve([`${name} could not be started: ${error.message}`]));
      child.once('close', (code) => resolve(code === 0 ? [] : [output.trim() || `exit code ${code}`]));
    });
}

export async function runStep({ name, run }: Step, totals: Totals): Promise<void> {
  const started = performance.now();
  const findings = await run();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${findings.length === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  for (const finding of findings) console.log(finding.replace(/^/gm, '  '));
  totals[findings.length === 0 ? 'passed' : 'failed'] += 1;
}

/** Runs one of the `scripts` that run tests with its output going to the terminal, and reads its last line. */
export function runTests(
  root: string,
  [script, ...args]: [string, ...string[]],
  totals: Totals,
): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'scripts', script), ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const forward = (signal: NodeJS.Signals) => child.kill(signal);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, forward);
    let tail = '';
    child.stdout.on('data', (chunk: Buffer) => {
      process.stdout.write(chunk);
      tail = (tail + chunk.toString()).slice(-1000);
    });
    child.once('close', (code) => {
      const last = /(\d+) passed, (\d+) failed(, \d+ skipped)?\n$/.exec(tail);
      const failed = Number(last?.[2] ?? 0);
      totals.passed += Number(last?.[1] ?? 0);
      totals.failed += failed === 0 && code !== 0 ? 1 : failed;
      resolve();
    });
  });
}
