/** Error answers of several servers come down to one sentence. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readErrorBody } from './error-body.ts';

const json = 'application/json; charset=UTF-8';

test('the nested form, with and without a reason', () => {
  const body = { error: { code: 404, title: 'Not Found', message: 'No image', reason: 'image_not_found' } };
  assert.deepEqual(readErrorBody(json, JSON.stringify(body)), {
    message: 'No image',
    reason: 'image_not_found',
  });
  const keystone = { error: { code: 401, title: 'Unauthorized', message: 'Expired' } };
  assert.deepEqual(readErrorBody(json, JSON.stringify(keystone)), { message: 'Expired', reason: null });
  const nova = { badRequest: { code: 400, message: 'Bad\n  value' } };
  assert.deepEqual(readErrorBody(json, JSON.stringify(nova)), { message: 'Bad value', reason: null });
});

test('the flat form', () => {
  const body = { message: 'No image found', code: '404 Not Found', title: 'Not Found' };
  assert.deepEqual(readErrorBody(json, JSON.stringify(body)), { message: 'No image found', reason: null });
  assert.equal(readErrorBody(json, '{"error":"plain"}').message, 'plain');
  assert.equal(readErrorBody(json, '{"detail":"plain"}').message, 'plain');
});

test('HTML loses its markup', () => {
  const page = `<html>\n <head>\n  <title>404 Not Found</title>\n <style>b{}</style></head>\n <body>\n  <h1>404 Not Found</h1>
  Failed to find image &quot;a&amp;b&quot;<br /><br />\n </body>\n</html>`;
  const expected = { message: '404 Not Found Failed to find image "a&b"', reason: null };
  assert.deepEqual(readErrorBody('text/html; charset=UTF-8', page), expected);
});

test('text is joined to one line and shortened', () => {
  assert.equal(
    readErrorBody('text/plain', '502 Bad Gateway\n\nnothing  there\n').message,
    '502 Bad Gateway nothing there',
  );
  const { message } = readErrorBody('', 'x'.repeat(10_000));
  assert.ok(message !== null && message.length < 700);
});

test('a body without a sentence says nothing', () => {
  for (const body of ['', '  ', '{}', '{"message":""}', '<html></html>', '{"error":{}}']) {
    assert.deepEqual(readErrorBody('', body), { message: null, reason: null });
  }
  assert.equal(readErrorBody(json, '{"broken"').message, '{"broken"');
  assert.equal(readErrorBody(json, '[1,2]').message, null);
});
