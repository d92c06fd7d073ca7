/** Images of the reference become images of Tintype, by the method glance-download, and the other way by clones. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { type RequestListener, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client, type Json, raw } from '../api/client.ts';
import { importEnd } from '../api/import-client.ts';
import { until } from '../support/process.ts';
import { as } from '../support/server.ts';
import { openTarget, type Target } from '../support/target.ts';
import { startWebSource, type WebSource } from '../support/web-source.ts';
import { attempt, run } from '../walks/support/run.ts';
import { withoutPrograms } from './keystone.ts';

const script = (name: string) => path.join(import.meta.dirname, name);
const token = 'token-of-a-member';
const data = randomBytes(40_000_000);

describe('an image of the reference', { skip: withoutPrograms('glance-wsgi-api') }, () => {
  let folder: string;
  let glance: string;
  let proxy: WebSource;
  let target: Target;
  let client: Client;
  /** Bytes after which the proxy cuts the answer to the next request for data. */
  let cutAfter: number | null = null;

  /** Whether nothing of what is sent to the reference arrives. */
  let holdData = false;

  /** Knows the token, and says to the reference who that is. */
  const authenticating: RequestListener = (asked, answer) => {
    if (asked.headers['x-auth-token'] !== token) return answer.writeHead(401).end();
    const { 'x-auth-token': _token, host: _host, connection: _connection, ...rest } = asked.headers;
    const headers = { ...rest, ...as('project-one', 'member', 'reader') };
    const passed = request(`${glance}${asked.url}`, { method: asked.method, headers }, (given) => {
      answer.writeHead(given.statusCode!, given.headers);
      let left = asked.url!.endsWith('/file') && cutAfter !== null ? cutAfter : Number.POSITIVE_INFINITY;
      if (Number.isFinite(left)) cutAfter = null;
      given.on('data', (chunk: Buffer) => {
        if (left <= 0) return;
        answer.write(chunk);
        left -= chunk.length;
        if (left <= 0) answer.socket?.end();
      });
      given.on('end', () => answer.end());
    });
    if (!(holdData && asked.method === 'PUT')) asked.pipe(passed);
    asked.on('close', () => !asked.complete && passed.destroy());
    passed.on('error', () => answer.destroy());
  };

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'glance-'));
    const { code, stdout, stderr } = await attempt([script('glance-up'), folder]);
    assert.equal(code, 0, stderr);
    glance = /^GLANCE_URL=(.*)$/m.exec(stdout.toString())![1]!;
    proxy = await startWebSource(authenticating);
    const regions = [{ name: 'Reference', endpoint: proxy.url }];
    target = await openTarget({ import: { methods: ['glance-download'], regions } });
    client = new Client(target, 'member');
  });
  after(async () => {
    await target?.close();
    await proxy?.close();
    await run([script('glance-down'), folder]);
    await rm(folder, { recursive: true });
  });

  async function createThere(): Promise<string> {
    const headers = as('project-one', 'member', 'reader');
    const created = await fetch(`${glance}/v2/images`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({ ...raw, hw_disk_bus: 'virtio', os_distro: 'debian', other: 'stays' }),
    });
    const { id } = (await created.json()) as { id: string };
    const put = await fetch(`${glance}/v2/images/${id}/file`, {
      method: 'PUT',
      headers: { ...headers, 'Content-Type': 'application/octet-stream' },
      body: data,
    });
    assert.equal(put.status, 204, await put.text());
    return id;
  }

  test('comes whole, with what describes it, even when its answer is cut', async () => {
    const source = await createThere();
    const { id } = await client.create(raw);
    cutAfter = 20_000_000;
    const method = { name: 'glance-download', glance_region: 'reference', glance_image_id: source };
    const answer = await client.post(`/v2/images/${id}/import`, { method }, { 'X-Auth-Token': token });
    assert.equal(answer.status, 202);
    const { image, task } = await importEnd(client, id);
    assert.equal(image.status, 'active', task.message);
    const digest = createHash('sha512').update(data).digest('hex');
    assert.deepEqual([image.size, image.os_hash_value], [data.length, digest]);
    assert.deepEqual([image.hw_disk_bus, image.os_distro, image.other], ['virtio', 'debian', undefined]);
    const ranges = proxy.requests.filter(({ path: asked }) => asked.endsWith('/file'));
    assert.deepEqual(ranges.length, 2);
    assert.match(ranges[1]!.headers.range ?? '', /^bytes=[1-9]\d+-$/);
  });

  test('an image is cloned there, whole and with what describes it', async () => {
    const tagged = { ...raw, name: 'original', tags: ['far'], min_disk: 1, os_distro: 'debian' };
    const image = await client.createActive(data, tagged);
    const order = { image_ref: `/v2/images/${image.id}`, region: 'reference' };
    const { json, status } = await client.post('/v2/image-clones', order, { 'X-Auth-Token': token });
    assert.equal(status, 201);
    const done = await until('the end of the clone', async () => {
      const record = (await client.get(json.self)).json;
      return ['success', 'failure'].includes(record.status) && record;
    });
    assert.equal(done.status, 'success', done.message);
    const headers = as('project-one', 'member', 'reader');
    const clone = (await (await fetch(glance + done.target.image_ref, { headers })).json()) as Json;
    assert.deepEqual(
      [clone.name, clone.tags, clone.min_disk, clone.os_distro, clone.status, clone.os_hash_value],
      ['original', ['far'], 1, 'debian', 'active', createHash('sha512').update(data).digest('hex')],
    );
    const file = await fetch(`${glance}${done.target.image_ref}/file`, { headers });
    assert.ok(Buffer.from(await file.arrayBuffer()).equals(data));
  });

  test('a clone that is cancelled on the way leaves nothing there', async () => {
    const image = await client.createActive(data, raw);
    const headers = as('project-one', 'member', 'reader');
    const countThere = async () => {
      const answer = await fetch(`${glance}/v2/images?limit=1000`, { headers });
      return ((await answer.json()) as { images: Json[] }).images.length;
    };
    const before = await countThere();
    holdData = true;
    const order = { image_ref: image.id, region: 'reference' };
    const { json } = await client.post('/v2/image-clones', order, { 'X-Auth-Token': token });
    await until('its record there', async () => (await countThere()) === before + 1);
    assert.equal((await client.delete(json.self)).status, 204);
    await until('no record there', async () => (await countThere()) === before);
    holdData = false;
  });
});
