/** Requests that are not even HTTP: answered on the bare socket, in the one error shape. */
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
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

export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const known = answers[error.code ?? ''] ?? {
    code: 'bad_request' as const,
    message: 'The request is not valid HTTP.',
  };
  const body = errorBody(known.code, known.message);
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
  );
}
