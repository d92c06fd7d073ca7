/** POST /v2/images/{id}/import with glance-download: an image of another server becomes one of this (API section 4). */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startServer, type TestServer } from '../support/server.ts';
import { needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { refused } from './answer.ts';
import { bytes, digest } from './bytes.ts';
import { Client, raw } from './client.ts';
import { importEnd } from './import-client.ts';

const data = bytes(300_000);
const elsewhere = {
  ...raw,
  hw_cpu_cores: '5',
  'trait:STORAGE_DISK_SSD': 'required',
  os_distro: 'rhel',
  speed: '88mph',
};

let source: TestServer;
let target: Target;
let client: Client;
let token: string;
let remoteId: string;
let folder: string | undefined;

before(async () => {
  if (needsOwnServer !== false) return;
  source = await startServer({ identity: { mode: 'tokens' } });
  token = (await readFile(source.tokenFile!, 'utf8')).trim();
  remoteId = await createThere();
  folder = await mkdtemp(path.join(tmpdir(), 'protections-'));
  const protections = path.join(folder, 'protections.conf');
  const all = (name: string, roles: string) =>
    `[${name}]\n${['create', 'read', 'update', 'delete'].map((verb) => `${verb} = ${roles}\n`).join('')}`;
  await writeFile(protections, all('^hw_secret', 'admin') + all('.*', 'member'));
  target = await openTarget({
    policy: { propertyProtections: protections },
    import: {
      methods: ['glance-direct', 'glance-download'],
      regions: [{ name: 'Other', endpoint: `${source.url}/v2/` }],
    },
  });
  client = new Client(target, 'member');
});
after(async () => {
  await target?.close();
  await source?.close();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

async function there(
  method: string,
  address: string,
  body: string | Buffer,
  type: string,
): Promise<Response> {
  const headers = { 'X-Auth-Token': token, 'Content-Type': type };
  return await fetch(`${source.url}${address}`, { method, headers, body });
}

async function createThere(more: object = {}): Promise<string> {
  const record = JSON.stringify({ ...elsewhere, ...more });
  const { id } = (await (await there('POST', '/v2/images', record, 'application/json')).json()) as {
    id: string;
  };
  const answer = await there('PUT', `/v2/images/${id}/file`, data, 'application/octet-stream');
  assert.equal(answer.status, 204);
  return id;
}

const importOf = (id: string, method: object, as: string | null = token) =>
  client.post(
    `/v2/images/${id}/import`,
    { method: { name: 'glance-download', ...method } },
    as === null ? {} : { 'X-Auth-Token': as },
  );

describe('an image of another server', { skip: needsOwnServer }, () => {
  test('comes with its data, its formats and some of its properties', async () => {
    const { id } = await client.create({
      container_format: 'ovf',
      disk_format: 'iso',
      os_distro: 'windows',
      mine: 'kept',
    });
    const method = { glance_region: 'OTHER', glance_image_id: remoteId };
    assert.equal((await importOf(id, method)).status, 202);
    const { image, task } = await importEnd(client, id);
    assert.equal(task.status, 'success', task.message);
    assert.deepEqual(
      [image.status, image.disk_format, image.container_format, image.os_hash_value],
      ['active', 'raw', 'bare', digest('sha512', data)],
    );
    const { hw_cpu_cores, 'trait:STORAGE_DISK_SSD': trait, os_distro, speed, mine } = image;
    assert.deepEqual(
      [hw_cpu_cores, trait, os_distro, speed, mine],
      ['5', 'required', 'rhel', undefined, 'kept'],
    );
    assert.ok((await client.download(id)).body.equals(data));
    assert.deepEqual(task.input.import_req.method, {
      name: 'glance-download',
      glance_region: 'OTHER',
      glance_image_id: remoteId,
      glance_service_interface: 'public',
    });
    assert.ok(!target.server!.log.join('').includes(token), 'no token in the log');
  });

  test('comes without the properties that the caller may not write', async () => {
    const guarded = await createThere({ hw_secret: 'theirs' });
    const { id } = await client.create(raw);
    await importOf(id, { glance_region: 'other', glance_image_id: guarded });
    const { image } = await importEnd(client, id);
    assert.equal(image.status, 'active');
    const seen = (await new Client(target, 'admin').show(id)).json;
    assert.deepEqual([seen.hw_cpu_cores, seen.hw_secret], ['5', undefined]);
  });

  test('does not come for a token that is none there, or from where there is nothing', async () => {
    const cases: [object, string | null, string][] = [
      [{ glance_region: 'other', glance_image_id: remoteId }, 'not-a-token', 'source_refused'],
      [{ glance_region: 'other', glance_image_id: remoteId }, null, 'source_refused'],
      [{ glance_region: 'nowhere', glance_image_id: remoteId }, token, 'no_such_region'],
      [
        { glance_region: 'other', glance_image_id: '36d4b546-64a2-4bb9-bdd0-ba676aa48f2c' },
        token,
        'source_refused',
      ],
    ];
    for (const [method, as, code] of cases) {
      const { id } = await client.create({ ...raw, os_distro: 'windows' });
      assert.equal((await importOf(id, method, as)).status, 202);
      const { image, task } = await importEnd(client, id);
      assert.deepEqual([image.status, image.os_distro], ['queued', 'windows']);
      assert.equal(task.result.error.code, code);
    }
  });

  test('is refused at once when the request says too little, or nonsense', async () => {
    const { id } = await client.create(raw);
    refused(await importOf(id, { glance_region: 'other' }), 'bad_request', /glance_image_id/);
    refused(await importOf(id, { glance_image_id: remoteId }), 'bad_request', /glance_region/);
    refused(
      await importOf(id, { glance_region: 'other', glance_image_id: 'foo' }),
      'bad_request',
      /image id does not look like a UUID/,
    );
  });
});

test('the method is off unless the operator turns it on', { skip: needsOwnServer }, async () => {
  const plain = await openTarget();
  try {
    const other = new Client(plain, 'member');
    const { id } = await other.create(raw);
    const method = { name: 'glance-download', glance_region: 'other', glance_image_id: remoteId };
    refused(await other.post(`/v2/images/${id}/import`, { method }), 'import_method');
  } finally {
    await plain.close();
  }
});
