/** What becomes of a command whose output cannot be written. */
import { systemError } from './command-error.ts';
import { exitCodes } from './exit-codes.ts';
import { printReport } from './failure-report.ts';
import { modeOf } from './run.ts';

/** A reader such as `head` may go away: that is no error, but nothing more can be said. Anything else is told. */
export function endWithoutOutput(args: readonly string[]): void {
  process.stderr.on('error', end);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') {
      const { message } = systemError('write to standard output', error);
      printReport({ exitCode: exitCodes.failed, code: 'file', message }, error, modeOf(args));
    }
    end(error);
  });
}

function end({ code }: NodeJS.ErrnoException): void {
  process.exit(code === 'EPIPE' ? exitCodes.closedOutput : exitCodes.failed);
}
