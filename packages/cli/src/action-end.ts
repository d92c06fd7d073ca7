/** Waits for the end of an action, with a bar for each of its steps. */
import type { ImageAction } from '@tintype/client';
import type { Call } from './call.ts';
import { CommandError } from './command-error.ts';
import { exitCodes } from './exit-codes.ts';
import { plainText } from './plain-text.ts';
import { ProgressDisplay } from './progress.ts';

/** Throws CommandError unless it ends well. Of an interruption it says that the work goes on. */
export async function waitForEnd(
  { client, settings }: Call,
  { id }: ImageAction,
  what: string,
  signal: AbortSignal,
): Promise<ImageAction> {
  const screen = settings.quiet || settings.json ? null : process.stderr;
  let display: ProgressDisplay | null = null;
  let shown: string | null = null;
  const onProgress = ({ status, progress }: ImageAction) => {
    const step = progress === null ? null : `${status} ${progress.total}`;
    if (step !== shown) {
      if (display !== null) display.done();
      const label = `${status} ${plainText(what)}`;
      display = progress === null ? null : new ProgressDisplay({ label, total: progress.total, screen });
      shown = step;
    }
    display?.update(progress?.done ?? 0);
  };
  const ended = await client.waitForAction(id, { onProgress, signal }).catch((thrown: unknown) => {
    display?.stop();
    if (signal.aborted && screen !== null)
      screen.write(`it goes on at the server: tintype action show ${id}\n`);
    throw thrown;
  });
  if (ended.status !== 'success') throw failed(ended);
  return ended;
}

function failed({ id, status, message, error }: ImageAction): CommandError {
  const hint = error?.retryable ? `\n  once that is put right: tintype action retry ${id}` : '';
  const isData = error?.code === 'digest_mismatch' || error?.code === 'size_mismatch';
  return new CommandError(`${message}${hint}`, {
    code: error?.code ?? status,
    exitCode: isData ? exitCodes.unverified : exitCodes.failed,
  });
}
