/** The log: pino lines without tokens, passwords or URL credentials. */
import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = Logger;

const secretHeaders = ['x-auth-token', 'x-service-token', 'authorization', 'cookie'];

/** `https://user:secret@host/…` with the credentials masked; other text unchanged. */
export function maskCredentials(text: string): string {
  return text.replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@'"]+@/gi, '$1***@');
}

/** An error as the log keeps it: type, code, text and stack, each without URL credentials. */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return maskCredentials(String(error));
  const code = 'code' in error ? String(error.code) : undefined;
  return {
    type: error.name,
    code,
    message: maskCredentials(error.message),
    stack: maskCredentials(error.stack ?? ''),
    cause: error.cause === undefined ? undefined : serializeError(error.cause),
  };
}

/** Lines of JSON at `level` or above, to standard output unless a stream is given. */
export function createLog(level: string, stream?: DestinationStream): Log {
  const options = {
    level,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: serializeError },
    redact: { paths: secretHeaders.map((name) => `*.headers["${name}"]`), censor: '***' },
  };
  return stream === undefined ? pino(options) : pino(options, stream);
}
