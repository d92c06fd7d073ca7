/** What a rejected fetch means: the error says little, its cause says which of the known troubles it is. */
import { ClientError, ConnectionError, type ConnectionTrouble, ProtocolError } from './errors.ts';

const troubles: Record<string, ConnectionTrouble> = {
  ECONNREFUSED: 'refused',
  ENOTFOUND: 'unknown_host',
  EAI_AGAIN: 'unknown_host',
  ENETUNREACH: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  ECONNRESET: 'cut',
  EPIPE: 'cut',
  UND_ERR_SOCKET: 'cut',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'cut',
  UND_ERR_ABORTED: 'cut',
};

const sentences: Record<ConnectionTrouble, (endpoint: string, detail: string) => string> = {
  refused: (endpoint) => `no server at ${endpoint}: is it running?`,
  unknown_host: (endpoint) => `no host of that name for ${endpoint}: check the endpoint and the name service`,
  unreachable: (endpoint) => `no route to ${endpoint}: check the endpoint and the network`,
  untrusted: (endpoint, detail) =>
    `the certificate of ${endpoint} is not trusted (${detail}): give its authority in NODE_EXTRA_CA_CERTS`,
  timeout: (endpoint) => `no answer from ${endpoint} in time`,
  cut: (endpoint) => `the connection to ${endpoint} was cut before the answer was complete`,
  other: (endpoint, detail) =>
    `no connection to ${endpoint}${detail === '' ? '' : ` (${detail})`}: is it running?`,
};

export function explainFetchFailure(thrown: unknown, endpoint: string): unknown {
  if (thrown instanceof ClientError) return thrown;
  const cause = rootCause(thrown);
  const detail = cause.code ?? cause.message;
  if (cause.message.includes('unexpected redirect')) {
    return new ProtocolError(
      `${endpoint} redirects uploads elsewhere: give the address it leads to as endpoint`,
    );
  }
  const trouble = (cause.code && troubles[cause.code]) || guess(detail);
  return new ConnectionError(sentences[trouble](endpoint, detail), trouble, { cause: thrown });
}

function guess(detail: string): ConnectionTrouble {
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/.test(detail)) return 'untrusted';
  return detail === 'terminated' ? 'cut' : 'other';
}

/** The innermost error; where one host has several addresses, that of the first. */
function rootCause(thrown: unknown): { code?: string; message: string } {
  let error = thrown;
  for (let depth = 0; depth < 5; depth++) {
    const inner =
      error instanceof AggregateError ? error.errors[0] : error instanceof Error ? error.cause : undefined;
    if (!(inner instanceof Error)) break;
    error = inner;
  }
  const { code, message } = error as { code?: unknown; message?: unknown };
  return {
    code: typeof code === 'string' ? code : undefined,
    message: typeof message === 'string' ? message : '',
  };
}
