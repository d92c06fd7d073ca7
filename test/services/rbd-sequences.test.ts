/** What Nova and Cinder do with images in a Ceph pool, call by call: glanceclient for the API, `rbd` for the pools. */
import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { slice } from '../../packages/server/src/stores/contract/bytes.ts';
import { until } from '../support/process.ts';
import { as, startServer, type TestServer } from '../support/server.ts';
import { setFull } from './ceph-room.ts';
import { type GlanceClient, startGlanceClient } from './glanceclient.ts';
import { type StoreServer, startStoreServer } from './store-server.ts';

const mebi = 1024 * 1024;
const data = slice(11, 0, 12 * mebi);
const digest = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex');

let ceph: StoreServer;
let server: TestServer;
let glance: GlanceClient;
let folder: string;
const file = (name: string) => path.join(folder, name);

/** A user's request, as a service passes it on: with a token of its own beside. */
const identity = { ...as('mine', 'member', 'reader'), 'X-Service-Roles': 'service' };

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tintype-sequences-'));
  await writeFile(file('data'), data);
  await writeFile(file('policy.yaml'), '"copy_image": "project_id:%(owner)s"\n');
  ceph = await startStoreServer('ceph');
  const keyringFile = ceph.fact('CEPH_IMAGES_KEYRING');
  server = await startServer({
    stores: [
      { id: 'disk', type: 'file' },
      { id: 'pool', type: 'rbd', confFile: ceph.fact('CEPH_CONF'), keyringFile },
    ],
    images: { showDirectUrl: true, showMultipleLocations: true },
    policy: { file: file('policy.yaml') },
  });
  glance = await startGlanceClient(server.url, identity);
});
after(async () => {
  await glance?.close();
  await server?.close();
  await ceph.close();
  await rm(folder, { recursive: true });
});

const rbd = (...args: string[]) => ceph.command('rbd', ...args);
const volumes = (...args: string[]) => rbd('--id', 'volumes', ...args);

/** Whether a volume can be cloned from what this URL names, as both services find out; null: it cannot. */
async function cloned(url: string, volume: string): Promise<string | null> {
  const parts = /^rbd:\/\/(.*)$/.exec(url)?.[1]?.split('/').map(decodeURIComponent) ?? [];
  const [fsid, pool, name, snapshot] = parts;
  if (parts.length !== 4 || parts.includes('') || fsid !== ceph.fact('CEPH_FSID')) return null;
  await volumes('info', `${pool}/${name}@${snapshot}`);
  await volumes('clone', `${pool}/${name}@${snapshot}`, `volumes/${volume}`);
  return volume;
}

/** The first of the image's locations that can be cloned. */
async function booted(id: string, volume: string): Promise<string | null> {
  const { direct_url, locations, disk_format } = await glance.call('get', id);
  assert.equal(disk_format, 'raw');
  for (const url of [...locations.map((location: { url: string }) => location.url), direct_url]) {
    const disk = await cloned(url, volume);
    if (disk !== null) return disk;
  }
  return null;
}

async function contentOf(volume: string): Promise<Buffer> {
  const copy = file(`content-${volume}`);
  await volumes('export', '--no-progress', `volumes/${volume}`, copy);
  return await readFile(copy);
}

const gone = (volume: string) => volumes('rm', '--no-progress', `volumes/${volume}`);

/** A volume with the data. */
async function volume(name: string): Promise<string> {
  await volumes('import', '--no-progress', file('data'), `volumes/${name}`);
  return name;
}

const uploaded = async (named: object = {}): Promise<string> => {
  const formats = { disk_format: 'raw', container_format: 'bare' };
  const { id } = await glance.call('create', { name: 'base', ...formats });
  await glance.call('upload', id, file('data'), named);
  return id;
};

describe('Nova', () => {
  test('writes the snapshot of a server into the pool, and adds its location by PATCH', async () => {
    const base = await uploaded({ backend: 'pool' });
    const disk = (await booted(base, `${randomUUID()}_disk`))!;
    const more = { base_image_ref: base, image_type: 'snapshot', instance_uuid: disk.slice(0, 36) };
    const { id } = await glance.call('create', { name: 'snap', visibility: 'private', ...more });

    const step = `volumes/${disk}@${randomUUID().replaceAll('-', '')}`;
    await rbd('snap', 'create', '--no-progress', step);
    await rbd('snap', 'protect', step);
    await rbd('clone', step, `images/${id}`);
    await rbd('flatten', '--no-progress', `images/${id}`);
    await rbd('snap', 'unprotect', step);
    await rbd('snap', 'rm', '--no-progress', step);
    await rbd('snap', 'create', '--no-progress', `images/${id}@snap`);
    await rbd('snap', 'protect', `images/${id}@snap`);

    const formats = { disk_format: 'raw', container_format: 'bare', image_location: 'snapshot' };
    await glance.call('update', id, { name: 'snap', image_state: 'available', ...formats });
    const url = `rbd://${ceph.fact('CEPH_FSID')}/images/${id}/snap`;
    const added = await glance.call('add_location', id, url, { metadata: {} });
    assert.deepEqual([added.status, added.size, added.direct_url], ['active', data.length, url]);
    const known = await until('the digest', async () => {
      const shown = await glance.call('get', id);
      return shown.os_hash_value !== null && shown;
    });
    assert.equal(known.os_hash_value, digest('sha512', data));
    assert.equal(await glance.call('data', id), digest('sha256', data));

    const second = (await booted(id, `${randomUUID()}_disk`))!;
    assert.ok((await contentOf(second)).equals(data));
    assert.equal(await glance.refusal('delete', id), 'HTTPConflict');
    await gone(second);
    await glance.call('delete', id);
    assert.equal(await glance.refusal('get', id), 'HTTPNotFound');
    await gone(disk);
    await glance.call('delete', base);
  });

  test('has an image copied into the pool before it is cloned, and sees how far that is', async () => {
    const id = await uploaded({ backend: 'disk' });
    assert.equal(await booted(id, 'too-early'), null);
    const copy = ['image_import', id, { method: 'copy-image', stores: ['pool'] }] as const;
    await glance.call(...copy);
    const ended = await until('the copy', async () => {
      const shown = await glance.call('get', id);
      const [under, failed] = ['importing_to_stores', 'failed_import'].map((name) =>
        (shown[`os_glance_${name}`] ?? '').split(','),
      );
      assert.equal(shown.status, 'active');
      assert.ok(!failed!.includes('pool'));
      return !under!.includes('pool') && shown;
    });
    assert.equal(ended.stores, 'disk,pool');
    assert.equal(await glance.refusal(...copy), 'HTTPBadRequest', 'raced, and fine');
    const disk = (await booted(id, `${randomUUID()}_disk`))!;
    assert.ok((await contentOf(disk)).equals(data));
    await gone(disk);
    await glance.call('delete', id);
  });

  test('is told when a copy has failed, and may ask again', async () => {
    const id = await uploaded({ backend: 'disk' });
    const copy = ['image_import', id, { method: 'copy-image', stores: ['pool'] }] as const;
    await setFull(ceph, true);
    try {
      await glance.call(...copy);
      await until('the failure', async () => {
        const { os_glance_failed_import: failed, status } = await glance.call('get', id);
        assert.equal(status, 'active');
        return failed === 'pool';
      });
      const { id: other } = await glance.call('create', { disk_format: 'raw', container_format: 'bare' });
      assert.equal(await glance.refusal('upload', other, file('data'), { backend: 'pool' }), 'HTTPOverLimit');
      assert.equal((await glance.call('get', other)).status, 'queued');
    } finally {
      await setFull(ceph, false);
    }
    assert.equal((await glance.call('get', id)).stores, 'disk');
    await glance.call(...copy);
    await until('the copy', async () => (await glance.call('get', id)).stores === 'disk,pool');
    await glance.call('delete', id);
  });
});

describe('Cinder', () => {
  test('sends a volume to an image, which a service of its own keeps or we do', async () => {
    const source = await volume(`volume-${randomUUID()}`);
    const formats = { disk_format: 'raw', container_format: 'bare' };
    const { id } = await glance.call('create', { name: 'from-volume', visibility: 'shared', ...formats });
    // With image_upload_use_cinder_backend it offers the volume first, and sends the data when that is not taken.
    const offer = `cinder://${randomUUID()}`;
    assert.equal(await glance.refusal('add_location', id, offer, { metadata: {} }), 'HTTPBadRequest');
    assert.equal((await glance.call('get', id)).status, 'queued');
    await volumes('export', '--no-progress', `volumes/${source}`, file('exported'));
    await glance.call('upload', id, file('exported'), { backend: 'pool' });
    const image = await glance.call('get', id);
    assert.deepEqual([image.status, image.size, image.stores], ['active', data.length, 'pool']);
    assert.equal(image.os_hash_value, digest('sha512', data));
    await gone(source);

    const target = (await booted(id, `volume-${randomUUID()}`))!;
    await volumes('resize', '--no-progress', '--size', '1G', `volumes/${target}`);
    assert.equal(await glance.refusal('delete', id), 'HTTPConflict');
    await volumes('flatten', '--no-progress', `volumes/${target}`);
    await glance.call('delete', id);
    assert.ok((await contentOf(target)).subarray(0, data.length).equals(data));
    await gone(target);
  });

  test('makes a volume of an image that it cannot clone from its data', async () => {
    const id = await uploaded({ backend: 'disk' });
    assert.equal(await booted(id, 'not-here'), null);
    assert.equal(await glance.call('data', id), digest('sha256', data));
    await glance.call('delete', id);
  });
});

describe('an image with copies in the pool and elsewhere, once it was cloned', () => {
  const remove = async (method: string, url: string, body?: unknown) => {
    const type = body === undefined ? {} : { 'Content-Type': 'application/openstack-images-v2.1-json-patch' };
    const answer = await fetch(`${server.url}${url}`, {
      method,
      headers: { ...as('mine', 'admin', 'member', 'reader'), ...type },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, reason: text === '' ? null : (JSON.parse(text).error?.reason ?? null) };
  };

  test('keeps the one in the pool, whoever wants it gone and by what call', async () => {
    const id = await uploaded({ backend: 'pool' });
    await glance.call('image_import', id, { method: 'copy-image', stores: ['disk'] });
    const before = await until('the copy', async () => {
      const shown = await glance.call('get', id);
      return shown.stores === 'pool,disk' && shown.os_glance_import_task === undefined && shown;
    });
    const disk = (await booted(id, `${randomUUID()}_disk`))!;
    const replicas = await (
      await fetch(`${server.url}/v2/images/${id}/replicas`, { headers: { ...identity } })
    ).json();
    const replica = (replicas as { replicas: { id: string; store: string }[] }).replicas.find(
      ({ store }) => store === 'pool',
    );
    const calls = [
      ['DELETE', `/v2/images/${id}`],
      ['DELETE', `/v2/stores/pool/${id}`],
      ['DELETE', `/v2/images/${id}/replicas/${replica!.id}`],
      ['PATCH', `/v2/images/${id}`, [{ op: 'remove', path: '/locations/0' }]],
    ] as const;
    for (const [method, url, body] of calls)
      assert.deepEqual(await remove(method, url, body), { status: 409, reason: 'image_in_use' }, url);
    assert.deepEqual(await glance.call('get', id), before);
    assert.equal(await glance.call('data', id), digest('sha256', data));
    assert.ok((await contentOf(disk)).equals(data));

    await gone(disk);
    assert.equal((await remove(...calls[3])).status, 200);
    assert.equal((await glance.call('get', id)).stores, 'disk');
    await glance.call('delete', id);
  });
});
