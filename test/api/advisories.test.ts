/** What was once an advisory against image services, tried on every way in: refused, told, and nothing of it stays. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { until } from '../support/process.ts';
import { needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { loopbackRules, serve, startWebSource, type WebSource } from '../support/web-source.ts';
import { bytes, qcow2 } from './bytes.ts';
import { type Answer, Client, type Json, raw } from './client.ts';
import { importBy, importEnd, stage } from './import-client.ts';
import { SlowUpload } from './slow-upload.ts';

const sizeCap = 2 ** 20;
/** Changes what a qcow2 says it needs its reader to know. */
function needing(feature: bigint): Buffer {
  const image = qcow2(2 ** 20);
  image.writeBigUInt64BE(feature, 72);
  return image;
}
const flatVmdk = `# Disk DescriptorFile
version=1
CID=fffffffe
parentCID=ffffffff
createType="monolithicFlat"
RW 2048 FLAT "/etc/passwd" 0
`;

/** By advisory: what it was about, as data of this declared format, and what the refusal says. */
const evil: Record<string, readonly [data: Buffer, diskFormat: string, reason: RegExp]> = {
  'OSSA-2014-028: more than an image may have': [bytes(sizeCap + 1), 'raw', /1048576|size/i],
  'OSSA-2015-014: a backing file': [qcow2(2 ** 20, '/etc/passwd'), 'qcow2', /backing file/],
  'OSSA-2024-001: data in another file': [needing(4n), 'qcow2', /data file/],
  'OSSA-2024-001: features that nobody knows': [needing(1n << 40n), 'qcow2', /feature/],
  'OSSA-2023-002: extents in other files': [Buffer.from(flatVmdk.padEnd(1024)), 'vmdk', /vmdk|extent|VMDK/],
  'OSSA-2014-033: another format under the name of raw': [qcow2(2 ** 20), 'raw', /looks like a qcow2/],
  'OSSA-2013-012: a disk too large for any host': [qcow2(2 ** 40), 'qcow2', /the limit is/],
};

let folder: string;
let source: WebSource;
let target: Target;
let member: Client;
let admin: Client;
let served: Buffer = Buffer.alloc(0);

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tintype-advisories-'));
  const quotas = path.join(folder, 'quotas.yaml');
  await writeFile(
    quotas,
    'default: { image_size_total: 100, image_stage_total: 100, image_count_total: 100, image_count_uploading: 100 }\n',
  );
  source = await startWebSource((request, response) => serve(request, response, { bytes: served }));
  if (needsOwnServer) return;
  target = await openTarget({
    stores: [
      { id: 'local', type: 'file' },
      { id: 'web', type: 'http', ...loopbackRules },
    ],
    import: loopbackRules,
    images: { sizeCap, virtualSizeCap: 2 ** 30, showMultipleLocations: true },
    quotas: { source: 'file', file: quotas },
  });
  member = new Client(target, 'member');
  admin = new Client(target, 'admin');
});
after(async () => {
  await target?.close();
  await source.close();
  await rm(folder, { recursive: true, force: true });
});

function told({ json }: Answer): string {
  return json.error.message;
}

async function imported(id: string, answer: Answer): Promise<string> {
  if (answer.status >= 400) return told(answer);
  return (await importEnd(member, id)).task.message;
}

/** The newest task of the image, once it has ended. */
async function checked(id: string, answer: Answer): Promise<string> {
  if (answer.status >= 400) return told(answer);
  return await until('the check of the location', async () => {
    const [task] = await member.tasks(id);
    return task?.status === 'failure' && (task.message as string);
  });
}

/** Each resolves with what the caller is told, then or later. */
const waysIn: Record<string, (id: string, data: Buffer) => Promise<string>> = {
  'an upload': async (id, data) => told(await member.upload(id, data)),
  'staged data': async (id, data) => {
    const staged = await stage(member, id, data);
    return staged.status >= 400
      ? told(staged)
      : await imported(id, await importBy(member, id, 'glance-direct'));
  },
  'a fetch': async (id) => {
    const method = { name: 'web-download', uri: `${source.url}/data` };
    return await imported(id, await member.post(`/v2/images/${id}/import`, { method }));
  },
  'a location': async (id) =>
    await checked(id, await member.post(`/v2/images/${id}/locations`, { url: `${source.url}/data` })),
  'a location in a patch': async (id) => {
    const value = { url: `${source.url}/data`, metadata: {} };
    return await checked(id, await member.patch(id, [{ op: 'add', path: '/locations/-', value }]));
  },
};

async function usage(): Promise<Json> {
  return (await member.get('/v2/info/usage')).json.usage;
}

for (const [advisory, [data, disk_format, reason]] of Object.entries(evil))
  describe(advisory, { skip: needsOwnServer }, () => {
    for (const [way, take] of Object.entries(waysIn))
      test(`by ${way}`, async () => {
        served = data;
        const { id } = await member.create({ disk_format, container_format: 'bare' });
        assert.match(await take(id, data), reason);
        assert.notEqual(await member.status(id), 'active');
        const read = await member.download(id);
        assert.ok(read.status === 204 || read.status === 403, String(read.status));
        assert.deepEqual(await target.server!.storedFiles(), []);
        await member.delete(`/v2/images/${id}`);
        for (const { usage: used } of Object.values<Json>(await usage())) assert.equal(used, 0);
      });

    test('by a task', async () => {
      served = data;
      const answer = await admin.post('/v2/tasks', {
        type: 'import',
        input: {
          import_from: `${source.url}/data`,
          import_from_format: disk_format,
          image_properties: { container_format: 'bare' },
        },
      });
      assert.equal(answer.status, 201, answer.body.toString());
      const task = await until('the end of the task', async () => {
        const { json } = await admin.get(`/v2/tasks/${answer.json.id}`);
        return json.status === 'failure' && json;
      });
      assert.match(task.message, reason);
      assert.deepEqual((await admin.get('/v2/images')).json.images, []);
      assert.deepEqual(await target.server!.storedFiles(), []);
    });
  });

describe('OSSA-2015-003, OSSA-2015-020: an image deleted while its data arrives', {
  skip: needsOwnServer,
}, () => {
  test('gives its quota back, and nothing of the data stays', async () => {
    const { id } = await member.create(raw);
    const upload = new SlowUpload(target, 'member', id);
    await upload.write(bytes(100_000));
    await until('the upload begins', async () => (await member.status(id)) === 'saving');
    assert.equal((await usage()).image_count_uploading.usage, 1);
    assert.equal((await member.delete(`/v2/images/${id}`)).status, 204);
    await upload.write(bytes(100_000));
    assert.equal((await upload.finish()).status, 410);
    await until('nothing is left', async () => (await target.server!.storedFiles()).length === 0);
    for (const { usage: used } of Object.values<Json>(await usage())) assert.equal(used, 0);
  });
});

test('OSSA-2015-019: no header of any request sets a status or an owner', {
  skip: needsOwnServer,
}, async () => {
  const image = await member.createActive(bytes(1000));
  const { id } = image;
  const old = {
    ...{ 'X-Image-Meta-Status': 'queued', 'X-Image-Meta-Deleted': 'True', 'X-Image-Meta-Size': '5' },
    ...{ 'X-Image-Meta-Owner': 'somebody', 'X-Image-Meta-Is-Public': 'True', 'X-Image-Meta-Id': id },
    ...{ 'X-Image-Meta-Location': 'file:///etc/passwd', 'X-Glance-Registry-Purge-Props': 'True' },
  };
  const dataType = { 'Content-Type': 'application/octet-stream' };
  const patchType = { 'Content-Type': 'application/openstack-images-v2.1-json-patch' };
  assert.equal(
    (await member.call('PATCH', `/v2/images/${id}`, { json: [], headers: { ...patchType, ...old } })).status,
    200,
  );
  const again = { body: bytes(10), headers: { ...dataType, ...old } };
  assert.equal((await member.call('PUT', `/v2/images/${id}/file`, again)).status, 409);
  assert.equal((await member.get(`/v2/images/${id}`, old)).status, 200);
  assert.deepEqual((await member.show(id)).json, image);
  const made = await member.post('/v2/images', { ...raw, name: 'plain' }, old);
  assert.deepEqual(
    [made.json.status, made.json.visibility, made.json.owner],
    ['queued', 'shared', image.owner],
  );
  for (const [name, value] of Object.entries({ status: 'active', checksum: '0'.repeat(32), size: 5 })) {
    const answer = await member.patch(made.json.id, [{ op: 'replace', path: `/${name}`, value }]);
    assert.equal(answer.status, 403, name);
    assert.equal((await member.post('/v2/images', { [name]: value })).status, 403, name);
  }
  for (const one of [id, made.json.id]) await member.delete(`/v2/images/${one}`);
});
