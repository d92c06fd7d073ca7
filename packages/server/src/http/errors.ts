/** From a failure to status and body: the only place that knows HTTP statuses of errors. */
import { STATUS_CODES } from 'node:http';
import { type ErrorBody, type FailureCode, failures } from '@tintype/contract';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Failure } from '../base/failure.ts';
import type { Log } from '../base/log.ts';

/** Characters of a message: what it quotes may be as long as the request. */
const longestMessage = 1000;

/** The one shape of an error answer, whatever Accept says (API section 1). */
export function errorBody(code: FailureCode, message: string): ErrorBody {
  const { status } = failures[code];
  const text = message.length > longestMessage ? `${message.slice(0, longestMessage)}…` : message;
  return { error: { code: status, title: STATUS_CODES[status] ?? 'Error', message: text, reason: code } };
}

/** What the framework throws by itself, in our codes. */
function translate(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : 500;
  if (status === 413) return new Failure('body_too_large', 'The request body is too large.');
  if (status === 415) return new Failure('unsupported_media_type', 'The Content-Type is not a media type.');
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new Failure('bad_request', 'The request cannot be understood.', { cause: error });
  return new Failure('internal', 'The server failed; its log has the cause under the request id.', {
    cause: error,
  });
}

/** Seconds after which a client may try again. */
const retryAfter: Partial<Record<FailureCode, string>> = {
  unavailable: '2',
  store_unavailable: '10',
  interrupted: '5',
};

/** For `setErrorHandler`. */
export function errorHandler(log: Log, authUri: (request: FastifyRequest) => string) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const failure = translate(error);
    const { status } = failures[failure.code];
    if (status >= 500 && failure.code !== 'unknown_method')
      log.error({ err: failure, requestId: request.id, code: failure.code }, 'a request failed');
    if (failure.code === 'unauthenticated')
      reply.header('WWW-Authenticate', `Keystone uri='${authUri(request)}'`);
    const seconds = retryAfter[failure.code];
    if (seconds !== undefined) reply.header('Retry-After', seconds);
    reply
      .code(status)
      .type('application/json')
      .send(JSON.stringify(errorBody(failure.code, failure.message)));
  };
}
