/** Requests that are not even HTTP: answered on the bare socket, in the one error shape. */
import { randomUUID } from 'node:crypto';
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FailureCode } from '@tintype/contract';
import { errorBody } from './errors.ts';

const answers: Readonly<Record<string, { code: FailureCode; message: string }>> = {
  HPE_HEADER_OVERFLOW: { code: 'header_too_large', message: 'The request headers are too large.' },
  HPE_INVALID_METHOD: { code: 'unknown_method', message: 'The server does not know this method.' },
  ERR_HTTP_REQUEST_TIMEOUT: {
    code: 'upload_stalled',
    message: 'The request headers took too long to arrive.',
  },
};

/** Milliseconds in which the client can read the answer; its own end of the connection is not waited for. */
const lingerMs = 1000;

export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  const { _httpMessage: answer } = socket as Socket & { _httpMessage?: ServerResponse | null };
  // An answer under way must not get a second one in its middle.
  if (error.code === 'ECONNRESET' || !socket.writable || answer?.headersSent) {
    socket.destroy();
    return;
  }
  // What stands behind a request that came whole is no reason to keep its answer from the client.
  if (answer?.req.complete) {
    answer.once('close', () => socket.writable && answerClientError(error, socket));
    return;
  }
  const known = answers[error.code ?? ''] ?? {
    code: 'bad_request' as const,
    message: 'The request is not valid HTTP.',
  };
  answerOn(socket, known.code, known.message);
}

/** CONNECT has a host for its path; this server is no proxy. */
export function answerConnect(socket: Duplex): void {
  answerOn(socket, 'unknown_method', 'The server does not know the method CONNECT.');
}

function answerOn(socket: Duplex, reason: FailureCode, message: string): void {
  const body = errorBody(reason, message);
  const text = JSON.stringify(body);
  const { code } = body.error;
  socket.end(
    [
      `HTTP/1.1 ${code} ${STATUS_CODES[code]}`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(text)}`,
      `X-Openstack-Request-Id: req-${randomUUID()}`,
      'Connection: close',
      '',
      text,
    ].join('\r\n'),
    () => setTimeout(() => socket.destroy(), lingerMs).unref(),
  );
}
