/** Identity mode "keystone" when tokens end, Keystone is away, or somebody else answers in its place. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { freePort, until } from '../support/process.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { ask, type Keystone, startKeystone, withoutKeystone } from './keystone.ts';

const cacheTime = 1;

describe('when Keystone or a token goes away', { skip: withoutKeystone() }, () => {
  let keystone: Keystone;
  const servers: TestServer[] = [];

  before(async () => {
    keystone = await startKeystone();
  });
  after(async () => {
    for (const server of servers) await server.close();
    await keystone?.close();
  });

  const start = async (settings: Record<string, unknown> = {}) => {
    const given = keystone.settings({ cacheTime, ...settings });
    const server = await startServer({ identity: { mode: 'keystone', keystone: given } });
    servers.push(server);
    return server;
  };
  const status = async (server: TestServer, token: string, headers: Record<string, string> = {}) =>
    (await ask(`${server.url}/v2/images`, token, 'GET', undefined, headers)).status;

  test('tokens that end: the user’s, ours and a service’s', { timeout: 240_000 }, async () => {
    const tokenSeconds = 30;
    await keystone.up({ tokenSeconds });
    // A validation that is remembered past the token's end must not keep the token alive.
    const server = await start({ cacheTime: 300 });
    const user = await keystone.token('demo-member');
    const staleService = await keystone.token('nova');
    assert.equal(await status(server, user), 200);
    const { body } = await ask(`${server.url}/v2/images`, user, 'POST', {
      name: 'slow',
      disk_format: 'raw',
      container_format: 'bare',
    });
    const { id } = body as { id: string };

    const pipe = new TransformStream<Uint8Array, Uint8Array>();
    const data = pipe.writable.getWriter();
    const upload = fetch(`${server.url}/v2/images/${id}/file`, {
      method: 'PUT',
      headers: { 'X-Auth-Token': user, 'Content-Type': 'application/octet-stream' },
      body: pipe.readable,
      duplex: 'half',
    } as RequestInit);
    await data.write(new Uint8Array(1000));
    await until('the end of the token', async () => (await status(server, user)) === 401, 60_000);
    await data.write(new Uint8Array(1000));
    await data.close();
    assert.equal((await upload).status, 204);

    const fresh = await keystone.token('demo-member');
    assert.equal(await status(server, fresh), 200, 'with an own token that ended, too');
    const image = (await ask(`${server.url}/v2/images/${id}`, fresh)).body as Record<string, unknown>;
    assert.deepEqual([image.status, image.size], ['active', 2000]);

    // It was given out after the user's.
    const staleStatus = () => status(server, staleService, { 'X-Service-Token': user });
    await until('the end of the service’s token', async () => (await staleStatus()) === 401, 60_000);
    const service = await keystone.token('nova');
    assert.equal(await status(server, user, { 'X-Service-Token': service }), 200);
    assert.equal(await status(server, user, { 'X-Service-Token': fresh }), 401);
    assert.equal(await status(server, user, { 'X-Service-Token': staleService }), 401);
    assert.equal(await staleStatus(), 401);
    await keystone.up();
  });

  test('our own token revoked: a new one is asked for', async () => {
    const server = await start();
    assert.equal(await status(server, await keystone.token('demo-member')), 200);
    // A new password revokes every token of the user; the old password again lets us log in.
    const admin = await keystone.token('admin', 'system');
    const { users } = await keystone.call<{ users: { id: string }[] }>(admin, 'GET', '/users?name=glance');
    const address = `/users/${users[0]!.id}`;
    for (const password of ['another', keystone.fact('PASSWORD')])
      await keystone.call(admin, 'PATCH', address, { user: { password } });
    // Keystone counts revocations in seconds: what it gives out within the same second is revoked as well.
    const fresh = await keystone.token('demo-member');
    await until('a token of the next second', async () => (await status(server, fresh)) === 200);
    const tokens = await Promise.all(Array.from({ length: 5 }, () => keystone.token('demo-member')));
    const answers = await Promise.all(tokens.map((token) => status(server, token)));
    assert.deepEqual(answers, [200, 200, 200, 200, 200]);
  });

  test('our own password wrong: 503 for everybody, and access for nobody', async () => {
    const server = await start({ password: 'wrong' });
    assert.equal(await status(server, await keystone.token('demo-admin')), 503);
    assert.equal(await status(server, 'nonsense'), 503);
    assert.match(server.log.join(''), /Keystone answered 401 to our own login/);
    assert.ok(!server.log.join('').includes('"wrong"'));
  });

  test('Keystone stopped: known tokens go on, others get 503; back: all is as before', async () => {
    const server = await start();
    const known = await keystone.token('demo-member');
    const revoked = await keystone.token('demo-member');
    const unknown = await keystone.token('demo-member');
    assert.equal(await status(server, known), 200);
    await keystone.revoke(revoked);
    assert.equal(await status(server, revoked), 401);
    await keystone.down();

    const refused = async (token: string, headers: Record<string, string> = {}) => {
      const answer = await ask(`${server.url}/v2/images`, token, 'GET', undefined, headers);
      assert.equal(answer.status, 503);
      assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/);
    };
    await refused(unknown);
    await refused('nonsense');
    await refused(known, { 'X-Service-Token': unknown });
    const end = performance.now() + cacheTime * 2000;
    await until('the cache time to pass', async () => {
      assert.equal(await status(server, known), 200);
      assert.notEqual(await status(server, revoked), 200);
      return performance.now() > end;
    });

    await keystone.up();
    assert.equal(await status(server, unknown), 200);
    assert.equal(await status(server, 'nonsense'), 401);
    assert.equal(await status(server, known), 200);
    await keystone.revoke(known);
    await until('the refusal', async () => (await status(server, known)) === 401);
  });

  test('Keystone stopped before the server starts: 503 until it is there', async () => {
    const token = await keystone.token('demo-member');
    await keystone.down();
    const server = await start();
    assert.equal(await status(server, token), 503);
    await keystone.up();
    assert.equal(await status(server, token), 200);
  });

  test('a Keystone that nobody vouches for is not believed', async () => {
    const authUrl = keystone.fact('TLS_URL');
    const token = await keystone.token('demo-member');
    assert.equal(await status(await start({ authUrl }), token), 503);
    const caFile = keystone.fact('CA_FILE');
    assert.equal(await status(await start({ authUrl, caFile }), token), 200);
    // The certificate is for localhost and 127.0.0.1 alone.
    const elsewhere = authUrl.replace('localhost', '127.0.0.2');
    assert.equal(await status(await start({ authUrl: elsewhere, caFile }), token), 503);
  });

  test('something else in Keystone’s place gives no access', async (t) => {
    const answers = [
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Subject-Token: own\r\n\r\n{}',
      'HTTP/1.1 201 Created\r\nContent-Length: 2\r\nX-Subject-Token: own\r\n\r\n{}',
      'HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<html>hi>',
      'no HTTP at all',
    ];
    for (const answer of answers) {
      const port = await freePort();
      const impostor = createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.end(answer));
      });
      t.after(() => impostor.close());
      await listening(impostor, port);
      const server = await start({ authUrl: `http://127.0.0.1:${port}/v3` });
      assert.equal(await status(server, 'token'), 503, answer);
    }
  });

  test('an own login that works and a validation that makes no sense: 503', async (t) => {
    const created =
      'HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 0\r\nX-Subject-Token: own\r\n\r\n';
    const bodies = [
      '{}',
      'null',
      '[]',
      '"x"',
      '{"token":null}',
      '{"token":{}}',
      '{"token":{"user":{"id":"u"}}}',
    ];
    for (const body of bodies) {
      const port = await freePort();
      const impostor = createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', (request) =>
          socket.end(
            String(request).startsWith('POST')
              ? created
              : `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
          ),
        );
      });
      t.after(() => impostor.close());
      await listening(impostor, port);
      const server = await start({ authUrl: `http://127.0.0.1:${port}/v3` });
      assert.equal(await status(server, 'token'), 503, body);
    }
  });
});

async function listening(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}
