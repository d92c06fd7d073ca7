/** What may be given as endpoint, and what may stand in a path. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEndpoint, segment } from './endpoint.ts';
import { EndpointError } from './errors.ts';

test('an endpoint works with and without version, slash and prefix', () => {
  const plain = ['http://host:9292', 'http://host:9292/', 'http://host:9292/v2', 'http://host:9292/v2/'];
  for (const endpoint of plain) assert.equal(parseEndpoint(endpoint), 'http://host:9292');
  assert.equal(parseEndpoint('https://host/image/v2.18/'), 'https://host/image');
  assert.equal(parseEndpoint('https://host/image'), 'https://host/image');
  assert.equal(parseEndpoint('http://[::1]:9292/v2'), 'http://[::1]:9292');
});

test('what cannot be an endpoint is refused, and a password in it is never repeated', () => {
  for (const endpoint of ['', 'host', 'host:9292', 'ftp://host', 'http://host/?a=1', 'http://host/#x']) {
    assert.throws(() => parseEndpoint(endpoint), EndpointError);
  }
  for (const endpoint of [
    'http://user:hunter2@host',
    'ftp://user:hunter2@host',
    'http://user:hunter2@ho st',
  ]) {
    assert.throws(
      () => parseEndpoint(endpoint),
      (error: Error) => error instanceof EndpointError && !error.message.includes('hunter2'),
    );
  }
});

test('segments are escaped, and those that an address would swallow are refused', () => {
  assert.equal(segment('a/b?c#d e'), 'a%2Fb%3Fc%23d%20e');
  for (const text of ['', '.', '..']) assert.throws(() => segment(text), EndpointError);
});
