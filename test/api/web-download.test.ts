/** POST /v2/images/{id}/import with web-download: what comes of it, what it says when it fails, and what it never asks for. */
import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { until } from '../support/process.ts';
import { needs, needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { loopbackRules, serve, startWebSource, type WebSource } from '../support/web-source.ts';
import { refused } from './answer.ts';
import { bytes, digest } from './bytes.ts';
import { Client, raw } from './client.ts';
import { importBy, importEnd } from './import-client.ts';
import { StatusTrail } from './statuses.ts';

const data = bytes(400_000);
/** Before every answer of `/held`. */
let release: (() => void) | null = null;

const answer: RequestListener = (request, response) => {
  const { pathname } = new URL(request.url!, 'http://x');
  if (pathname === '/data') return serve(request, response, { bytes: data });
  if (pathname === '/empty') return serve(request, response, { bytes: Buffer.alloc(0) });
  if (pathname === '/cloaked') return response.end(data);
  if (pathname === '/held') {
    release = () => serve(request, response, { bytes: data });
    return;
  }
  if (pathname === '/metadata')
    return response.writeHead(302, { Location: 'http://169.254.169.254/latest/' }).end();
  if (pathname === '/lies') {
    response.writeHead(200, { 'Content-Length': data.length + 1 });
    return response.write(data, () => response.socket?.end());
  }
  return response.writeHead(404).end();
};

let source: WebSource;
let target: Target;
let client: Client;

before(async () => {
  source = await startWebSource(answer);
  target = await openTarget({ import: { ...loopbackRules, deniedHosts: ['forbidden.test'] } });
  client = new Client(target);
});
after(async () => {
  await target?.close();
  await source?.close();
});

async function begin(uri: string, more: object = {}): Promise<string> {
  const { id } = await client.create(raw);
  const started = await client.post(`/v2/images/${id}/import`, {
    method: { name: 'web-download', uri },
    ...more,
  });
  assert.equal(started.status, 202, started.body.toString());
  return id;
}

describe('on a server that may fetch from here', { skip: needsOwnServer }, () => {
  test('the data of a URL becomes the data of the image', async () => {
    const id = await begin(`${source.url}/data`);
    const { image, task } = await importEnd(client, id);
    assert.deepEqual(
      [image.status, image.size, image.checksum, image.os_hash_value],
      ['active', data.length, digest('md5', data), digest('sha512', data)],
    );
    assert.deepEqual(task.input.import_req.method, { name: 'web-download', uri: `${source.url}/data` });
    assert.ok((await client.download(id)).body.equals(data));
  });

  test('neither its size nor anything else of it need be told beforehand', async () => {
    const { image } = await importEnd(client, await begin(`${source.url}/cloaked`));
    assert.deepEqual([image.status, image.size], ['active', data.length]);
    const empty = await importEnd(client, await begin(`${source.url}/empty`));
    assert.deepEqual([empty.image.status, empty.image.size], ['active', 0]);
  });

  test('an image on its way is importing, and never uploading', async () => {
    const trail = new StatusTrail();
    const id = await begin(`${source.url}/held`);
    trail.saw(await client.status(id));
    await until('the request', async () => release !== null);
    assert.equal(await client.status(id), 'importing');
    refused(await importBy(client, id, 'glance-direct'), 'status_conflict');
    release!();
    await until('the end', async () => {
      const status = await client.status(id);
      trail.saw(status);
      return status === 'active';
    });
    assert.ok(!trail.seen.includes('uploading'));
  });

  test('credentials reach the source and nobody else', async () => {
    const uri = `${source.url.replace('//', '//someone:s3cr3t@')}/gone?token=t0ps3cr3t`;
    const { image, task } = await importEnd(client, await begin(uri));
    assert.deepEqual([image.status, image.os_glance_failed_import], ['queued', 'local']);
    const authorization = source.requests.find(({ path }) => path.startsWith('/gone'))?.headers.authorization;
    assert.equal(authorization, `Basic ${Buffer.from('someone:s3cr3t').toString('base64')}`);
    assert.equal(
      task.message,
      `Could not retrieve image. Received 404 response for url '${source.url}/gone?…'.`,
    );
    assert.deepEqual([task.status, task.result.error.code], ['failure', 'source_refused']);
    for (const text of [JSON.stringify(task), ...target.server!.log]) assert.doesNotMatch(text, /s3cr3t/);
  });

  test('a redirect to the metadata of the cloud is not followed', async () => {
    const { image, task } = await importEnd(client, await begin(`${source.url}/metadata`));
    assert.deepEqual([image.status, task.result.error.code], ['queued', 'address_blocked']);
  });

  test('a source that lies about its size fails, and nothing of it stays', async () => {
    const id = await begin(`${source.url}/lies`);
    const { image, task } = await importEnd(client, id);
    assert.deepEqual([image.status, image.size, task.result.error.code], ['queued', null, 'source_cut']);
    assert.deepEqual(
      (await target.server!.storedFiles()).filter((name) => name.startsWith(id)),
      [],
    );
    assert.equal((await importBy(client, id, 'web-download', {})).status, 400, 'it can be tried again');
  });

  test('what may not be fetched is refused at once', async () => {
    const { id } = await client.create(raw);
    const ask = (uri: unknown) =>
      client.post(`/v2/images/${id}/import`, { method: { name: 'web-download', uri } });
    refused(await ask('ftp://host/file'), 'source_not_allowed', /ftp/);
    refused(await ask('file:///etc/passwd'), 'source_not_allowed');
    refused(await ask('http://forbidden.test/image'), 'source_not_allowed');
    refused(await ask('http://169.254.169.254/latest'), 'address_blocked');
    refused(await ask('http://[fe80::1]/'), 'address_blocked');
    refused(await ask('http://0x7f.1/'), 'source_url_invalid');
    refused(await ask('not a url'), 'source_url_invalid');
    refused(await ask(undefined), 'bad_request', /uri/);
    for (const uri of ['', 1, null, ['http://host/'], `http://host/${'x'.repeat(5000)}`])
      assert.equal((await ask(uri)).status, 400, String(uri));
    assert.equal(await client.status(id), 'queued');
  });

  test('who may not change an image imports nothing into it', {
    skip: needs('member', 'reader', 'other'),
  }, async () => {
    const member = new Client(target, 'member');
    const { id } = await member.create({ ...raw, visibility: 'community' });
    const request = { method: { name: 'web-download', uri: `${source.url}/data` } };
    for (const role of ['reader', 'other'] as const)
      refused(await new Client(target, role).post(`/v2/images/${id}/import`, request), 'forbidden');
  });
});

test('unless the operator says otherwise nothing private is fetched', { skip: needsOwnServer }, async () => {
  const strict = await openTarget();
  try {
    const stranger = new Client(strict);
    const { id } = await stranger.create(raw);
    const ask = (uri: string) =>
      stranger.post(`/v2/images/${id}/import`, { method: { name: 'web-download', uri } });
    refused(await ask('http://127.0.0.1/'), 'address_blocked');
    refused(await ask('http://10.0.0.1/'), 'address_blocked');
    refused(await ask('http://[::1]/'), 'address_blocked');
    refused(await ask('http://example.org:8080/'), 'source_not_allowed', /8080/);
  } finally {
    await strict.close();
  }
});
