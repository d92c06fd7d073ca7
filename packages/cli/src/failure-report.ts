/** From anything thrown to what is printed on standard error and the exit code. */
import {
  AmbiguousNameError,
  ClientError,
  ConnectionError,
  EndpointError,
  ImageApiError,
  NoDataError,
  ProtocolError,
  TokenError,
  VerificationError,
} from '@tintype/client';
import { CommanderError } from 'commander';
import { CommandError, type ErrorDetails } from './command-error.ts';
import { exitCodeOfStatus, exitCodes } from './exit-codes.ts';
import { plainText } from './plain-text.ts';

export interface FailureReport extends Omit<ErrorDetails, 'cause'> {
  readonly exitCode: number;
  /** The server's reason where it gave one. */
  readonly code: string;
  readonly message: string;
}

export async function reportOf(thrown: unknown): Promise<FailureReport> {
  if (thrown instanceof CommandError) {
    return { exitCode: exitCodes.failed, code: 'failed', ...thrown.details, message: thrown.message };
  }
  if (thrown instanceof CommanderError) {
    return {
      exitCode: exitCodes.usage,
      code: 'usage',
      message: thrown.message.replace(/^error: /, '').replace(/\s*\n/g, ' '),
    };
  }
  if (thrown instanceof ImageApiError) return refusal(thrown);
  if (thrown instanceof ClientError) return { ...clientFailure(thrown), message: thrown.message };
  if (thrown instanceof Error && thrown.name === 'Failure') return await serverFailure(thrown);
  if (thrown instanceof Error && thrown.name === 'ConfigError') {
    return { exitCode: exitCodes.failed, code: 'configuration', message: thrown.message };
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { exitCode: exitCodes.failed, code: 'internal', message };
}

/** Codes of answers that say the data was not what it should be. */
const verificationCodes: readonly (string | null)[] = ['digest_mismatch', 'size_mismatch'];

function refusal(error: ImageApiError): FailureReport {
  const verification = verificationCodes.includes(error.code);
  const hint = error.status === 401 ? ' (give a token with --token, --token-file or TINTYPE_TOKEN)' : '';
  return {
    exitCode: verification ? exitCodes.unverified : exitCodeOfStatus(error.status),
    code: error.code ?? `http_${error.status}`,
    message: error.message + hint,
    status: error.status,
    requestId: error.requestId ?? undefined,
  };
}

function clientFailure(error: ClientError): { exitCode: number; code: string } {
  if (error instanceof ConnectionError)
    return { exitCode: exitCodes.unavailable, code: `connection_${error.trouble}` };
  if (error instanceof ProtocolError) return { exitCode: exitCodes.unavailable, code: 'protocol' };
  if (error instanceof VerificationError)
    return { exitCode: exitCodes.unverified, code: `data_${error.trouble}` };
  if (error instanceof NoDataError) return { exitCode: exitCodes.conflict, code: 'no_data' };
  if (error instanceof AmbiguousNameError) return { exitCode: exitCodes.failed, code: 'ambiguous_name' };
  if (error instanceof EndpointError || error instanceof TokenError)
    return { exitCode: exitCodes.usage, code: 'usage' };
  return { exitCode: exitCodes.failed, code: 'failed' };
}

/** A failure of the server's own code, which ran in this process. */
async function serverFailure(error: Error & { code?: string }): Promise<FailureReport> {
  const { failures } = await import('@tintype/contract');
  const code = error.code ?? 'internal';
  const kind = Object.hasOwn(failures, code) ? failures[code as keyof typeof failures] : failures.internal;
  return { exitCode: exitCodeOfStatus(kind.status), code, message: error.message };
}

/** Prints one or two lines, or one JSON object; with `debug` everything that is known. */
export function printReport(
  report: FailureReport,
  thrown: unknown,
  mode: { json: boolean; debug: boolean },
): void {
  const { exitCode, ...error } = report;
  if (mode.json) {
    process.stderr.write(`${JSON.stringify({ error: { ...error, exitCode } })}\n`);
  } else {
    process.stderr.write(`tintype: ${report.message.split('\n').map(plainText).join('\n')}\n`);
    if (report.requestId !== undefined)
      process.stderr.write(`  request id: ${plainText(report.requestId)}\n`);
  }
  if (mode.debug && thrown instanceof Error) process.stderr.write(`${trace(thrown)}\n`);
}

function trace(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${trace(error.cause)}` : '';
  return `${error.stack}${cause}`;
}
