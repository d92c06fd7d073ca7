/** Errors of the command itself, with the exit code they end in. */
import { exitCodes } from './exit-codes.ts';

export interface ErrorDetails {
  readonly exitCode?: number;
  /** For `--json`. */
  readonly code?: string;
  /** HTTP status, when a server answered. */
  readonly status?: number;
  readonly requestId?: string;
  /** Image that the failure left behind; status null when it is unknown. */
  readonly image?: { readonly id: string; readonly status: string | null };
  readonly cause?: unknown;
}

export class CommandError extends Error {
  readonly details: ErrorDetails;

  constructor(message: string, { cause, ...details }: ErrorDetails = {}) {
    super(message, { cause });
    this.name = 'CommandError';
    this.details = details;
  }
}

/** The command line asks for something that cannot be. */
export class UsageError extends CommandError {
  constructor(message: string) {
    super(message, { code: 'usage', exitCode: exitCodes.usage });
    this.name = 'UsageError';
  }
}

const signalNumbers: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/** Somebody sent a signal. */
export class Interruption extends CommandError {
  constructor(signal: NodeJS.Signals) {
    super(signal === 'SIGINT' ? 'interrupted' : `ended by ${signal}`, {
      code: 'interrupted',
      exitCode: signalExitCode(signal),
    });
    this.name = 'Interruption';
  }
}

/** As a shell reports a process that the signal ended. */
export function signalExitCode(signal: NodeJS.Signals): number {
  return 128 + (signalNumbers[signal] ?? 2);
}

const systemSentences: Record<string, string> = {
  EACCES: 'permission denied',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'it exists already',
  EFBIG: 'the file would be larger than is allowed',
  EISDIR: 'it is a directory',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on the device',
  ENOTDIR: 'a part of the path is not a directory',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
};

/** A failed system call in words: `cannot write x.img: no space left on the device`. */
export function systemError(doing: string, cause: unknown): CommandError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const sentence = (code && systemSentences[code]) || message;
  return new CommandError(`cannot ${doing}: ${sentence}`, { code: 'file', cause });
}
