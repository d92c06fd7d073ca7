/** What HTTP itself forbids and the parser lets through (RFC 9112 sections 3.2 and 6.1). */
import type { IncomingMessage } from 'node:http';
import { Failure } from '../base/failure.ts';

/** Name or address, and port: it becomes part of every link, so nothing else may be in it. */
const hostForm = /^[A-Za-z0-9._~!$&'()*+,;=%:[\]-]*$/;

type Framed = Pick<IncomingMessage, 'headers' | 'rawHeaders' | 'httpVersion'>;

function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]!.length === 4 && rawHeaders[at]!.toLowerCase() === 'host') count += 1;
  return count;
}

/** Fails with bad_request. */
export function checkFraming({ headers, rawHeaders, httpVersion }: Framed): void {
  const hosts = countHosts(rawHeaders);
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1'))
    throw new Failure('bad_request', 'A request has exactly one Host header.');
  if (headers.host !== undefined && !hostForm.test(headers.host))
    throw new Failure('bad_request', 'The Host header is no host.');
  // Other codings would be taken for the data itself.
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked')
    throw new Failure('bad_request', 'The only Transfer-Encoding taken is chunked.');
}
