/** Downloads that the server sends elsewhere: followed without the token, verified all the same, and made up for. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { ImageClient } from './index.ts';
import { data, listen, record, verify } from './testing/data-server.ts';

/** A server that sends to `location` whoever asks for that; what it was asked for is in `asked`. */
async function sending(location: string): Promise<{ client: ImageClient; asked: string[] }> {
  const asked: string[] = [];
  const endpoint = await listen((request, response) => {
    const url = new URL(request.url!, 'http://host');
    if (!url.pathname.endsWith('/file')) return void response.end(JSON.stringify(record));
    asked.push(url.search);
    assert.equal(request.headers['x-auth-token'], 'secret');
    if (url.search === '') return void response.end(data);
    response.writeHead(307, { Location: location, 'Cache-Control': 'no-store' }).end();
  });
  return { client: new ImageClient({ endpoint, token: 'secret' }), asked };
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('the data comes from the store, which sees no token', async () => {
  const seen: IncomingMessage['headers'][] = [];
  const store = await listen((request, response) => {
    seen.push(request.headers);
    if (request.headers.range === undefined) return void response.end(data);
    response.writeHead(206, { 'Content-Length': 10 }).end(data.subarray(5, 15));
  });
  const { client, asked } = await sending(`${store}/object?signature=x`);
  assert.ok((await collect(await client.downloadData('a', { verify, redirect: true }))).equals(data));
  const part = await client.downloadData('a', { range: { start: 5, end: 14 }, redirect: true });
  assert.equal(String(await collect(part)), '5678901234');
  assert.deepEqual(asked, ['?redirect=true', '?redirect=true']);
  assert.deepEqual(
    seen.map((headers) => [headers['x-auth-token'], headers.range]),
    [
      [undefined, undefined],
      [undefined, 'bytes=5-14'],
    ],
  );
});

test('who does not ask is not sent anywhere, and a server that sends nowhere gives the data itself', async () => {
  const { client, asked } = await sending('http://127.0.0.1:9/');
  assert.ok((await collect(await client.downloadData('a', { verify }))).equals(data));
  assert.deepEqual(asked, ['']);
  const endpoint = await listen((request, response) =>
    response.end(request.url!.includes('/file') ? data : JSON.stringify(record)),
  );
  const direct = new ImageClient({ endpoint });
  assert.ok((await collect(await direct.downloadData('a', { verify, redirect: true }))).equals(data));
});

test('a store that gives nothing, or leads on, is done without', async () => {
  const refusing = await listen((_, response) => response.writeHead(403).end('no'));
  const leading = await listen((_, response) => response.writeHead(302, { Location: refusing }).end());
  for (const location of [refusing, leading, 'http://127.0.0.1:9/', 'ftp://127.0.0.1/', '/elsewhere', '']) {
    const { client, asked } = await sending(location);
    assert.ok((await collect(await client.downloadData('a', { verify, redirect: true }))).equals(data));
    assert.deepEqual(asked, ['?redirect=true', ''], location);
  }
});

test('wrong and cut data is told as ever, and the URL is not', async () => {
  const wrong = await listen((_, response) => response.end(Buffer.from(data).fill('x', 0, 1)));
  const { client } = await sending(`${wrong}/object?signature=x`);
  const stream = await client.downloadData('a', { verify, redirect: true });
  await assert.rejects(collect(stream), { name: 'VerificationError', trouble: 'digest' });
  const cutting = await listen((_, response) => {
    response.writeHead(200, { 'Content-Length': data.length });
    response.write(data.subarray(0, 300_000), () => response.destroy());
  });
  const { client: other } = await sending(`${cutting}/object?signature=x`);
  const cut = await other.downloadData('a', { verify, redirect: true });
  await assert.rejects(collect(cut), { message: new RegExp(`the connection to ${cutting} was cut`) });
});

test('from https it does not go to http', async () => {
  const asked: string[] = [];
  const fetch = async (input: string | URL | Request) => {
    asked.push(String(input));
    const headers = { Location: 'http://store.example.org/object' };
    return asked.length === 1 ? new Response(null, { status: 307, headers }) : new Response(data);
  };
  const client = new ImageClient({ endpoint: 'https://images.example.org', fetch });
  const stream = await client.downloadData('a', { verify: false, redirect: true });
  assert.ok((await collect(stream)).equals(data));
  const file = 'https://images.example.org/v2/images/a/file';
  assert.deepEqual(asked, [`${file}?redirect=true`, file]);
});

test('who gives up while the store is silent is told so', async () => {
  const controller = new AbortController();
  const silent = await listen(() => controller.abort(new Error('enough')));
  const { client, asked } = await sending(silent);
  const { signal } = controller;
  await assert.rejects(client.downloadData('a', { verify: false, redirect: true, signal }), {
    message: 'enough',
  });
  assert.deepEqual(asked, ['?redirect=true']);
});

test('of several formats the data of the one asked for is verified by what its copy holds', async () => {
  const disk = Buffer.from('a disk');
  const digest = createHash('sha512').update(disk).digest('hex');
  const copy = { disk_format: 'raw', size: disk.length, os_hash_algo: 'sha512', os_hash_value: digest };
  const asked: string[] = [];
  const endpoint = await listen((request, response) => {
    const { pathname, search } = new URL(request.url!, 'http://host');
    if (pathname.endsWith('/replicas')) {
      const replicas = [
        { ...record, disk_format: 'qcow2', state: 'active' },
        { ...copy, state: 'active' },
      ];
      return void response.end(JSON.stringify({ health: 'healthy', replicas }));
    }
    if (!pathname.endsWith('/file'))
      return void response.end(JSON.stringify({ ...record, disk_format: 'qcow2' }));
    asked.push(search);
    response.end(search.includes('=raw') ? disk : data);
  });
  const client = new ImageClient({ endpoint });
  assert.ok((await collect(await client.downloadData('a', { verify, diskFormat: 'raw' }))).equals(disk));
  const image = await client.imageAs(await client.getImage('a'), 'raw');
  assert.deepEqual([image.size, image.os_hash_value], [disk.length, digest]);
  const options = { verify, diskFormat: 'raw', redirect: true };
  assert.ok((await collect(await client.downloadData(image, options))).equals(disk));
  assert.ok((await collect(await client.downloadData('a', { verify, diskFormat: 'qcow2' }))).equals(data));
  assert.deepEqual(asked, ['?disk_format=raw', '?disk_format=raw&redirect=true', '?disk_format=qcow2']);
  assert.equal((await client.imageAs(image, 'vmdk')).size, null);
});
