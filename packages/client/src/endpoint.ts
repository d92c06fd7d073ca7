/** From what a person gives as endpoint to the address that paths are put behind. */
import { EndpointError } from './errors.ts';

/**
 * `http://host:9292`, `http://host:9292/v2/` and `http://host/image/v2.18` all work; the result has no version and no
 * slash at its end, and keeps any prefix (`http://host/image`). Throws EndpointError.
 */
export function parseEndpoint(endpoint: string): string {
  const url = parse(endpoint);
  if (url.username !== '' || url.password !== '') {
    throw new EndpointError('the endpoint holds a user name or password: leave it out and give a token');
  }
  if (url.search !== '' || url.hash !== '') {
    throw new EndpointError(`the endpoint ${url.origin}${url.pathname} must not have a query or fragment`);
  }
  return url.origin + url.pathname.replace(/\/+$/, '').replace(/\/+v\d+(\.\d+)?$/, '');
}

function parse(endpoint: string): URL {
  // An address with an @ may hold a password, which must not reach a message.
  const shown = endpoint.includes('@') ? 'the endpoint' : `the endpoint "${endpoint}"`;
  if (!URL.canParse(endpoint))
    throw new EndpointError(`${shown} is not an address such as http://127.0.0.1:9292`);
  const url = new URL(endpoint);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new EndpointError(`${shown} must begin with http:// or https://`);
  }
  return url;
}

/** Whether `text` can stand as one segment of a path: addresses swallow empty and dot segments. */
export function isSegment(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..';
}

/** `text` as one segment of a path. */
export function segment(text: string): string {
  if (!isSegment(text)) throw new EndpointError(`"${text}" cannot be part of an address`);
  return encodeURIComponent(text);
}
