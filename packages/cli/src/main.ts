/** The process of the `tintype` command. */
import { endWithoutOutput } from './lost-output.ts';
import { run } from './run.ts';

const args = process.argv.slice(2);
endWithoutOutput(args);
followLauncher();
await run(args);

/** Started by a launcher on an older Node: ends as on SIGTERM when that is gone, even if it was killed. */
function followLauncher(): void {
  if (process.env.TINTYPE_LAUNCHER === undefined) return;
  delete process.env.TINTYPE_LAUNCHER;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel?.unref();
}
