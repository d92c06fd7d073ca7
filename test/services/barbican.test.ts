/** A real Barbican, found in Keystone's catalogue and asked with the user's token: certificates of signed images, and keys that go with theirs. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { startServer, type TestServer } from '../support/server.ts';
import { type Certificate, SigningDesk, signedBy } from '../support/signing.ts';
import { type Barbican, startBarbican, withoutBarbican } from './barbican.ts';
import { ask, type Keystone, startKeystone, type User } from './keystone.ts';

const execute = promisify(execFile);

interface Shown {
  readonly id: string;
  readonly status: string;
  readonly error?: { readonly reason: string; readonly message: string };
}

describe('Barbican', { skip: withoutBarbican('openstack', 'glance', 'openssl'), timeout: 600_000 }, () => {
  let keystone: Keystone;
  let barbican: Barbican;
  let server: TestServer;
  let desk: SigningDesk;
  let signer: Certificate;
  let signature: string;
  const data = randomBytes(200_000);

  before(async () => {
    keystone = await startKeystone();
    barbican = await startBarbican(keystone);
    desk = await SigningDesk.open();
    await execute(path.join(import.meta.dirname, 'client-commands'), [desk.folder]);
    server = await startServer({
      listen: keystone.fact('IMAGE_LISTEN'),
      identity: { mode: 'keystone', keystone: keystone.settings() },
      signatures: { certificates: { source: 'barbican' } },
    });
    signer = await desk.certify('rsa:2048');
    signature = await desk.sign(data, signer.key);
    await writeFile(path.join(desk.folder, 'disk'), data);
  });
  after(async () => {
    await server?.close();
    await barbican?.down();
    await keystone?.close();
    await desk?.remove();
  });

  function environment(user: User) {
    const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', HOME: desk.folder, ...keystone.commandEnv(user) };
    return { env, cwd: desk.folder };
  }

  async function openstack(user: User, ...args: string[]): Promise<string> {
    return (await execute('openstack', args, environment(user))).stdout;
  }

  /** The command at a terminal, with an empty line for the password that it asks for. */
  async function openstackAtTerminal(user: User, ...args: string[]): Promise<string> {
    const words = ['openstack', ...args].map((word) => `'${word}'`).join(' ');
    const options = ['--quiet', '--return', '--command', words, '/dev/null'];
    const running = execute('script', options, environment(user));
    const { stdin, stdout } = running.child;
    // What is typed before the question is thrown away.
    stdout!.on('data', (text: string) => text.includes('password') && stdin!.write('\n'));
    return (await running.finally(() => stdin!.end())).stdout;
  }

  /** Options of both commands. */
  function signedWith(id: string): string[] {
    const properties = Object.entries(signedBy({ id }, signature));
    return properties.flatMap(([name, value]) => ['--property', `${name}=${value}`]);
  }

  async function create(token: string, properties: Record<string, string>): Promise<string> {
    const kind = { disk_format: 'raw', container_format: 'bare' };
    const made = await ask(`${server.url}/v2/images`, token, 'POST', { ...kind, ...properties });
    return (made.body as Shown).id;
  }

  async function upload(token: string, id: string, bytes: Buffer): Promise<string> {
    const answer = await fetch(`${server.url}/v2/images/${id}/file`, {
      method: 'PUT',
      headers: { 'X-Auth-Token': token, 'Content-Type': 'application/octet-stream' },
      body: new Uint8Array(bytes),
    });
    const text = await answer.text();
    return `${answer.status} ${text === '' ? '' : (JSON.parse(text) as Shown).error?.reason}`.trim();
  }

  async function status(token: string, id: string): Promise<string> {
    return ((await ask(`${server.url}/v2/images/${id}`, token)).body as Shown).status;
  }

  test('certificates in PEM and DER, as text and as bytes', async () => {
    const token = await keystone.token('demo-member');
    for (const [certificate, form] of [
      [signer.pem, 'text'],
      [signer.pem, 'binary'],
      [signer.der, 'binary'],
    ] as const) {
      const id = await barbican.store('demo-member', certificate, form);
      const image = await create(token, signedBy({ id }, signature));
      assert.equal(await upload(token, image, data), '204');
      assert.equal(await status(token, image), 'active');
    }
  });

  test('data that was not signed, and a certificate that there is not', async () => {
    const token = await keystone.token('demo-member');
    const id = await barbican.store('demo-member', signer.pem, 'text');
    const image = await create(token, signedBy({ id }, signature));
    assert.equal(await upload(token, image, data.subarray(1)), '400 signature_mismatch');
    assert.equal(await status(token, image), 'queued');
    assert.equal(await upload(token, image, data), '204');
    const none = await create(token, signedBy({ id: '00000000-0000-4000-8000-000000000000' }, signature));
    assert.equal(await upload(token, none, data), '400 certificate_refused');
  });

  test('a certificate of another project is not read for its sake', async () => {
    const id = await barbican.store('demo-member', signer.pem, 'text');
    const token = await keystone.token('other-member');
    const image = await create(token, signedBy({ id }, signature));
    assert.equal(await upload(token, image, data), '400 certificate_refused');
    assert.equal(await status(token, image), 'queued');
  });

  test('while Barbican is away uploads are 503, and succeed when it is back', async () => {
    const token = await keystone.token('demo-member');
    const id = await barbican.store('demo-member', signer.pem, 'text');
    const image = await create(token, signedBy({ id }, signature));
    await barbican.down();
    assert.equal(await upload(token, image, data), '503 unavailable');
    assert.equal(await status(token, image), 'queued');
    await barbican.up();
    assert.equal(await upload(token, image, data), '204');
  });

  /** Whether the key of an image is there after the image was deleted. */
  async function outlives(owner: User, deleter: User, policy: string | null): Promise<boolean> {
    const key = await barbican.store(owner, signer.pem, 'text');
    const token = await keystone.token(deleter);
    const properties: Record<string, string> = { cinder_encryption_key_id: key };
    if (policy !== null) properties.cinder_encryption_key_deletion_policy = policy;
    const image = await create(token, properties);
    const { status } = await ask(`${server.url}/v2/images/${image}`, token, 'DELETE');
    assert.equal(status, 204);
    return await barbican.has(owner, key);
  }

  test('the key of an encrypted image goes with it when its properties say so', async () => {
    const me = 'demo-member';
    assert.equal(await outlives(me, me, 'on_image_deletion'), false);
    assert.equal(await outlives(me, me, 'do_not_delete'), true);
    assert.equal(await outlives(me, me, null), true);
  });

  test('the key of another project stays, and the log says that it was left', async () => {
    assert.equal(await outlives('demo-member', 'other-member', 'on_image_deletion'), true);
    assert.match(server.log.join(''), /the secret that encrypted a deleted image is left/);
  });

  test('what is no key, and a key that is not there, keep no image', async () => {
    const token = await keystone.token('demo-member');
    for (const key of ['../containers', '00000000-0000-4000-8000-000000000000']) {
      const kept = { cinder_encryption_key_deletion_policy: 'on_image_deletion' };
      const image = await create(token, { cinder_encryption_key_id: key, ...kept });
      assert.equal((await ask(`${server.url}/v2/images/${image}`, token, 'DELETE')).status, 204);
    }
  });

  test('openstack: the certificate stored, the image signed by openssl and by the command itself', async () => {
    const user = 'demo-member';
    const payload = signer.pem.toString('base64');
    const form = [
      '--payload-content-type',
      'application/octet-stream',
      '--payload-content-encoding',
      'base64',
    ];
    const store = ['secret', 'store', '--name', 'signer', '--secret-type', 'certificate', ...form];
    const ref = await openstack(user, ...store, '--payload', payload, '-f', 'value', '-c', 'Secret href');
    const id = ref.trim().split('/').at(-1)!;
    const image = ['image', 'create', '--file', 'disk', '--disk-format', 'raw', '-f', 'json'];
    const made = JSON.parse(await openstack(user, ...image, ...signedWith(id), 'signed'));
    assert.equal(await status(await keystone.token(user), made.id), 'active');

    const sign = ['--sign-key-path', signer.key.file, '--sign-cert-id', id];
    await openstackAtTerminal(user, ...image, ...sign, 'self-signed');
    const shown = JSON.parse(await openstack(user, 'image', 'show', 'self-signed', '-f', 'json'));
    assert.equal(shown.status, 'active');
  });

  test('glance: an image signed by openssl, and one whose data is another', async () => {
    const id = await barbican.store('demo-member', signer.pem, 'text');
    const create = ['image-create', '--disk-format', 'raw', '--container-format', 'bare', ...signedWith(id)];
    const glance = async (...args: string[]) =>
      (await execute('glance', args, environment('demo-member'))).stdout;
    assert.match(await glance(...create, '--file', 'disk'), /\| status +\| active /);
    await writeFile(path.join(desk.folder, 'other'), data.subarray(1));
    await assert.rejects(glance(...create, '--file', 'other'), /not the signature of this data/);
  });
});
