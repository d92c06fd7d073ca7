/** Runs one command line and turns its outcome into output and an exit code. */
import { CommanderError } from 'commander';
import { exitCodes } from './exit-codes.ts';
import { printReport, reportOf } from './failure-report.ts';
import { createProgram } from './program.ts';

/** Arguments without `node` and the script. Never rejects. */
export async function run(args: readonly string[]): Promise<void> {
  const program = createProgram();
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (thrown) {
    // Help and version come as errors, too.
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return;
    if (thrown instanceof CommanderError && thrown.code === 'commander.help') {
      process.exitCode = exitCodes.usage;
      return;
    }
    const report = await reportOf(thrown);
    printReport(report, thrown, modeOf(args));
    if (report.exitCode === exitCodes.usage && thrown instanceof CommanderError && !args.includes('--json')) {
      process.stderr.write('  see tintype --help\n');
    }
    process.exitCode = report.exitCode;
  }
}

/** Read from the words themselves, as a wrong command line has not been understood. */
export function modeOf(args: readonly string[]): { json: boolean; debug: boolean } {
  const end = args.indexOf('--');
  const options = end === -1 ? args : args.slice(0, end);
  return { json: options.includes('--json'), debug: options.includes('--debug') };
}
