/** Downloads through a real nginx, which sends the files itself when it is told to. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort, until } from '../support/process.ts';
import { as, startServer, type TestServer } from '../support/server.ts';

const data = randomBytes(3_000_000);
const member = as('one', 'member', 'reader');
const folder = mkdtempSync(path.join(tmpdir(), 'tintype-offload-'));
let server: TestServer;
let nginx: ReturnType<typeof spawn>;
let url: string;

/** The page on the cache shows the two locations. */
const shown = (): string => {
  const page = readFileSync(path.join(import.meta.dirname, '../../docs/operations/cache.md'), 'utf8');
  const [, block] = /```nginx\n([\s\S]*?)```/.exec(page)!;
  return block!.replaceAll('http://127.0.0.1:9292', server.url);
};

before(async () => {
  execFileSync(path.join(import.meta.dirname, 'install'), ['http'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const offload = { header: 'X-Accel-Redirect' } as const;
  const settings = { trustedProxies: ['127.0.0.1'], offload, cache: { enabled: true } };
  server = await startServer(settings);
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    path.join(folder, 'nginx.conf'),
    `${process.getuid?.() === 0 ? 'user root;' : ''}
    worker_processes 1;
    daemon off;
    pid ${folder}/pid;
    events {}
    http {
      log_format sent '$uri $status $body_bytes_sent $upstream_bytes_received';
      access_log ${folder}/access.log sent;
      ${temporary.map((name) => `${name}_temp_path ${folder}/tmp;`).join(' ')}
      server {
        listen 127.0.0.1:${port};
        ${shown()}
      }
    }`,
  );
  nginx = spawn('nginx', ['-p', folder, '-c', `${folder}/nginx.conf`, '-e', `${folder}/error.log`], {
    stdio: 'inherit',
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  });
  await until('nginx answers', () =>
    fetch(`${url}/healthcheck`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
});
after(async () => {
  const ended = once(nginx, 'close');
  nginx.kill('SIGTERM');
  await ended;
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function made(visibility: string): Promise<string> {
  const json = { ...member, 'Content-Type': 'application/json' };
  const body = JSON.stringify({ disk_format: 'raw', container_format: 'bare', visibility });
  const created = await fetch(`${url}/v2/images`, { method: 'POST', headers: json, body });
  const { id } = (await created.json()) as { id: string };
  const type = { ...member, 'Content-Type': 'application/octet-stream' };
  const { status } = await fetch(`${url}/v2/images/${id}/file`, { method: 'PUT', headers: type, body: data });
  assert.equal(status, 204);
  return id;
}

const get = (id: string, headers = {}, at = url) =>
  fetch(`${at}/v2/images/${id}/file`, { headers: { ...member, ...headers } });

async function bodyOf(answer: Response): Promise<Buffer> {
  return Buffer.from(await answer.arrayBuffer());
}

/** Bytes that nginx had from the server for its last answer but one kept alive: what it sent itself came from a file. */
async function lastLine(id: string): Promise<string> {
  return await until('nginx has written its log', () => {
    const lines = readFileSync(path.join(folder, 'access.log'), 'utf8').trim().split('\n');
    return lines.findLast((line) => line.startsWith('/_tintype/') && line.includes(id));
  });
}

describe('through nginx', () => {
  test('a download is what it is without, and comes from the file', async () => {
    const id = await made('private');
    const direct = await get(id, {}, server.url);
    const expected = await bodyOf(direct);
    for (const from of ['store', 'cache']) {
      const answer = await get(id);
      assert.equal(answer.status, 200);
      assert.ok((await bodyOf(answer)).equals(expected), from);
      for (const name of ['content-length', 'content-type', 'content-md5', 'etag', 'accept-ranges'])
        assert.equal(answer.headers.get(name), direct.headers.get(name), `${name} from ${from}`);
      assert.match(answer.headers.get('x-openstack-request-id') ?? '', /^req-/);
      assert.equal(answer.headers.get('x-accel-redirect'), null);
      const [uri, , sent, received] = (await lastLine(id)).split(' ');
      assert.equal(Number(sent), data.length);
      assert.ok(Number(received) < 2000, `${received} bytes came from the server`);
      if (from === 'store')
        await until('the cache has it', async () => {
          await (await get(id)).arrayBuffer();
          return (await lastLine(id)).includes('/cache/entries/');
        });
      else assert.match(uri!, /\/cache\/entries\//);
    }
  });

  test('ranges are nginx’s', async () => {
    const id = await made('private');
    const etag = (await get(id)).headers.get('etag')!;
    for (const [range, first, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=1000000-1999999', 1_000_000, 2_000_000],
      ['bytes=-5', data.length - 5, data.length],
      ['bytes=2999990-9999999', 2_999_990, data.length],
    ] as const)
      for (const headers of [{ Range: range }, { Range: range, 'If-Range': etag }]) {
        const answer = await get(id, headers);
        assert.equal(answer.status, 206, range);
        assert.equal(answer.headers.get('content-range'), `bytes ${first}-${end - 1}/${data.length}`);
        assert.ok((await bodyOf(answer)).equals(data.subarray(first, end)), range);
      }
    const changed = await get(id, { Range: 'bytes=0-9', 'If-Range': '"other"' });
    assert.equal(changed.status, 200);
    assert.equal((await bodyOf(changed)).length, data.length);
    assert.equal((await get(id, { Range: 'bytes=9999999-' })).status, 416);
    assert.equal((await get(id, { Range: 'bytes=0-1,5-6' })).status, 400);
    assert.equal((await get(id, { 'If-None-Match': etag })).status, 304);
    assert.equal((await get(id, { 'If-Match': etag })).status, 200);
    assert.equal((await get(id, { 'If-Match': '"other"' })).status, 412);
  });

  test('nobody gets what they may not have', async () => {
    const id = await made('private');
    assert.equal((await get(id, as('two', 'member', 'reader'))).status, 404);
    assert.equal((await get(id, as('one', 'reader'))).status, 403);
    assert.equal((await fetch(`${url}/v2/images/${id}/file`)).status, 401);
    await (await get(id)).arrayBuffer();
    const [uri] = (await lastLine(id)).split(' ');
    assert.equal((await fetch(`${url}${uri}`, { headers: member })).status, 404);
    const action = { method: 'POST', headers: member };
    assert.equal((await fetch(`${url}/v2/images/${id}/actions/deactivate`, action)).status, 204);
    assert.equal((await get(id)).status, 403);
  });
});
