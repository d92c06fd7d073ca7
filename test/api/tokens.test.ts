/** Identity by tokens and by none at all, as a client meets them; and what the log keeps of it. */
import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { Client, send } from './client.ts';

const skip = needsOwnServer;
let target: Target;
let token: string;

before(async () => {
  target = await openTarget({ identity: { mode: 'tokens' } });
  if (target.server === null) return;
  token = (await readFile(target.server.tokenFile!, 'utf8')).trim();
});
after(() => target.close());

const show = (headers: Record<string, string>) => send(target, null, 'GET', '/v2/images', { headers });

test('the first start leaves a token that only its owner can read', { skip }, async () => {
  const { mode } = await stat(target.server!.tokenFile!);
  assert.equal(mode & 0o777, 0o600);
  assert.equal((await show({ 'X-Auth-Token': token })).status, 200);
});

test('any other token is 401, and the refusal does not tell why', { skip }, async () => {
  const last = token.at(-1) === 'A' ? 'B' : 'A';
  const answers = [];
  for (const text of [
    'x',
    '',
    'tt_',
    'tt_0123456789abcdef_',
    `tt_0123456789abcdef_${'A'.repeat(43)}`,
    token.slice(0, -1),
    token.slice(0, -1) + last,
    `${token}A`,
    token.toUpperCase(),
    'x'.repeat(20_000),
  ]) {
    const answer = await show({ 'X-Auth-Token': text });
    refused(answer, 'unauthenticated');
    answers.push(answer.json.error.message);
  }
  answers.push((await show({})).json.error.message);
  assert.equal(new Set(answers).size, 1);
});

test('identity in other headers counts for nothing', { skip }, async () => {
  const others: Record<string, string>[] = [
    { 'X-Identity-Status': 'Confirmed', 'X-Roles': 'admin', 'X-User-Id': 'x', 'X-Project-Id': 'x' },
    { Authorization: `Bearer ${token}` },
    { 'X-Service-Token': token },
    { 'X-Subject-Token': token },
    { Cookie: `X-Auth-Token=${token}` },
  ];
  for (const headers of others) refused(await show(headers), 'unauthenticated');
  refused(await send(target, null, 'GET', `/v2/images?token=${token}`), 'unauthenticated');
  const beside = { 'X-Auth-Token': token, 'X-Roles': 'reader', 'X-Project-Id': 'elsewhere' };
  const made = await send(target, null, 'POST', '/v2/images', { json: {}, headers: beside });
  assert.equal(made.json.owner, 'admin', 'the project of the token');
});

test('the log has every request and never a token', { skip }, async () => {
  const headers = { 'X-Auth-Token': token, 'X-Openstack-Request-Id': 'req-in-the-log' };
  await show(headers);
  await send(target, null, 'GET', '/v2/images/none?secret=in-the-query', { headers });
  await send(target, null, 'PUT', '/v2/images/none/file', { headers: { ...headers, 'Content-Type': 'x' } });
  const lines = target.server!.log;
  const of = lines.map((line) => JSON.parse(line)).filter(({ requestId }) => requestId === 'req-in-the-log');
  assert.deepEqual(
    of.map(({ method, path, status, project, user }) => [method, path, status, project, user]),
    [
      ['GET', '/v2/images', 200, 'admin', 'admin'],
      ['GET', '/v2/images/none', 404, 'admin', 'admin'],
      ['PUT', '/v2/images/none/file', 415, 'admin', 'admin'],
    ],
  );
  const secret = token.split('_').slice(2).join('_');
  for (const line of lines) {
    assert.ok(!line.includes(secret), line);
    assert.ok(!line.includes('in-the-query'), line);
  }
});

test('mode "none" lets everybody in as an administrator without a project', { skip }, async () => {
  const open = await openTarget({ identity: { mode: 'none' } });
  const made = await send(open, null, 'POST', '/v2/images', { json: { visibility: 'public' } });
  assert.equal(made.status, 201);
  assert.equal(made.json.owner, null);
  for (const headers of [{}, { 'X-Auth-Token': 'anything' }, { 'X-Roles': 'reader', 'X-Project-Id': 'p' }])
    assert.equal((await send(open, null, 'GET', '/v2/images', { headers })).json.images.length, 1);
  assert.equal((await new Client(open).delete(`/v2/images/${made.json.id}`)).status, 204);
  await open.close();
});
