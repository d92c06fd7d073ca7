/** Uploads of signed images: taken when the signature is that of the data, else refused and the image queued again (API section 12). */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { FailureCode } from '@tintype/contract';
import { type Certificate, SigningDesk, signedBy, withoutOpenssl } from '../support/signing.ts';
import { needsOwnServer, openTarget, type Target } from '../support/target.ts';
import { type Answer, refused } from './answer.ts';
import { bytes, digest, pieces, qcow2 } from './bytes.ts';
import { Client, raw } from './client.ts';
import { importBy, importEnd, stagedImage } from './import-client.ts';
import { SlowUpload } from './slow-upload.ts';

const data = bytes(300_000);
const changed = Buffer.from(data);
changed[299_999]! ^= 1;

describe('signatures', { skip: needsOwnServer || withoutOpenssl() }, () => {
  let desk: SigningDesk;
  let trusted: string;
  before(async () => {
    desk = await SigningDesk.open();
    trusted = path.join(desk.folder, 'trusted');
    await mkdir(trusted);
  });
  after(() => desk?.remove());

  /** Known to the server. */
  async function certify(...facts: Parameters<SigningDesk['certify']>): Promise<Certificate> {
    const certificate = await desk.certify(...facts);
    await copyFile(certificate.file, path.join(trusted, `${certificate.id}.pem`));
    return certificate;
  }

  describe('with a folder of certificates', () => {
    let target: Target;
    let client: Client;
    let signer: Certificate;
    let signature: string;
    before(async () => {
      target = await openTarget({ signatures: { certificates: { source: 'folder', folder: trusted } } });
      client = new Client(target);
      signer = await certify('rsa:2048');
      signature = await desk.sign(data, signer.key);
    });
    after(() => target?.close());

    /** Fails unless the upload was refused so, the image is queued again with the reason told, and nothing is stored. */
    async function undone(id: string, answer: Answer, reason: FailureCode, message: RegExp): Promise<void> {
      refused(answer, reason, message);
      assert.equal(answer.status, 400);
      const record = (await client.show(id)).json;
      assert.deepEqual([record.status, record.size, record.checksum], ['queued', null, null]);
      const [task] = await client.tasks(id);
      assert.deepEqual([task.status, task.result.error.code], ['failure', reason]);
      assert.match(task.message, message);
      const files = await target.server!.storedFiles();
      assert.deepEqual(
        files.filter((name) => name.startsWith(id)),
        [],
      );
    }

    test('data that was signed becomes active, with its digests', async () => {
      const image = await client.createActive(data, signedBy(signer, signature));
      assert.deepEqual(
        [image.status, image.size, image.checksum, image.os_hash_value],
        ['active', data.length, digest('md5', data), digest('sha512', data)],
      );
      assert.deepEqual((await client.download(image.id)).body, data);
    });

    test('so does chunked data, a recognised format, and another kind of key', async () => {
      const disk = qcow2(1 << 30);
      const curve = await certify('ec:secp521r1');
      const { id } = await client.create({
        disk_format: 'qcow2',
        container_format: 'bare',
        ...signedBy(curve, await desk.sign(disk, curve.key, { hash: 'sha512' }), {
          keyType: 'ECC_SECP521R1',
          hashMethod: 'SHA-512',
        }),
      });
      assert.equal((await client.upload(id, pieces(disk, 10_000))).status, 204);
      assert.equal((await client.show(id)).json.virtual_size, 1 << 30);
    });

    test('changed data is refused, and the right data then taken on the same image', async () => {
      const { id } = await client.create({ ...raw, ...signedBy(signer, signature) });
      for (const wrong of [changed, data.subarray(1), Buffer.concat([data, data])])
        await undone(
          id,
          await client.upload(id, wrong),
          'signature_mismatch',
          /not the signature of this data/,
        );
      assert.equal((await client.upload(id, data)).status, 204);
    });

    test('staged data is verified when it is imported', async () => {
      const id = await stagedImage(client, changed, signedBy(signer, signature));
      assert.equal((await importBy(client, id, 'glance-direct')).status, 202);
      const { image, task } = await importEnd(client, id);
      assert.equal(image.status, 'queued');
      assert.deepEqual([task.status, task.result.error.code], ['failure', 'signature_mismatch']);
      const right = await stagedImage(client, data, signedBy(signer, signature));
      await importBy(client, right, 'glance-direct');
      assert.equal((await importEnd(client, right)).image.status, 'active');
      const unknown = { ...signedBy(signer, signature), img_signature_certificate_uuid: randomUUID() };
      const unread = await stagedImage(client, data, unknown);
      refused(await importBy(client, unread, 'glance-direct'), 'certificate_refused');
    });

    test('a signature can be corrected with PATCH', async () => {
      const { id } = await client.create({
        ...raw,
        ...signedBy(signer, await desk.sign(changed, signer.key)),
      });
      await undone(id, await client.upload(id, data), 'signature_mismatch', /not the signature of this data/);
      const right = [{ op: 'replace', path: '/img_signature', value: signature }];
      assert.equal((await client.patch(id, right)).status, 200);
      assert.equal((await client.upload(id, data)).status, 204);
    });

    test('what cannot be verified is refused before the data is sent', async () => {
      const expired = await certify(signer.key, { from: -3, to: -1 });
      const weak = await certify('rsa:1024');
      const unknown = { id: '00000000-0000-4000-8000-000000000000' };
      const signed = signedBy(signer, signature);
      for (const [properties, reason, message] of [
        [{ ...signed, img_signature_hash_method: 'MD5' }, 'signature_invalid', /none of SHA-224/],
        [{ ...signed, img_signature_key_type: 'RSA' }, 'signature_invalid', /none of RSA-PSS/],
        [{ ...signed, img_signature: 'not base64!' }, 'signature_invalid', /base64/],
        [{ ...signed, img_signature_certificate_uuid: '../x' }, 'signature_invalid', /UUID/],
        [signedBy(unknown, signature), 'certificate_refused', /not known here/],
        [signedBy(expired, signature), 'certificate_refused', /expired/],
        [signedBy(weak, signature), 'certificate_refused', /1024 bits/],
        [
          { ...signed, img_signature_key_type: 'ECC_SECP384R1' },
          'certificate_refused',
          /rsa, not on secp384r1/,
        ],
      ] as const) {
        const { id } = await client.create({ ...raw, ...properties });
        const upload = new SlowUpload(target, 'caller', id, { Expect: '100-continue' });
        let isWanted = false;
        void upload.leave().then(
          () => {
            isWanted = true;
          },
          () => {},
        );
        await undone(id, await upload.answer, reason, message);
        assert.equal(isWanted, false);
        upload.cut();
      }
    });

    test('with some of the properties an image counts as unsigned', async () => {
      const { img_signature_key_type: _, ...rest } = signedBy(signer, 'nonsense');
      assert.equal((await client.createActive(data, rest)).status, 'active');
    });
  });

  describe('when every image has to be signed', () => {
    let target: Target;
    let keeper: Server;
    let client: Client;
    let signer: Certificate;
    /** How the keeper of certificates behaves; it has none unless told so. */
    let isHanging = false;
    let isAsked: () => void = () => {};
    before(async () => {
      const authority = await desk.certify('rsa:2048', { name: 'Authority', isAuthority: true });
      const own = await desk.certify('rsa:2048', { name: 'localhost', issuer: authority, host: 'localhost' });
      signer = await desk.certify('rsa:2048', { issuer: authority });
      keeper = createServer({ cert: own.pem, key: await readFile(own.key.file) }, (request, response) => {
        isAsked();
        if (isHanging) return;
        response.writeHead(request.url === `/${signer.id}` ? 200 : 404).end(signer.pem);
      });
      keeper.listen(0, '127.0.0.1');
      await once(keeper, 'listening');
      const url = `https://localhost:${(keeper.address() as AddressInfo).port}/{uuid}`;
      target = await openTarget({
        signatures: {
          required: true,
          certificates: { source: 'url', url, caFile: authority.file },
          trustedCertificates: authority.file,
        },
      });
      client = new Client(target);
    });
    after(async () => {
      await target?.close();
      if (keeper === undefined) return;
      keeper.closeAllConnections();
      keeper.close();
      await once(keeper, 'close');
    });

    test('unsigned images are refused, and the missing properties named', async () => {
      const { id } = await client.create(raw);
      refused(await client.upload(id, data), 'signature_required', /has no img_signature, /);
      const { img_signature_key_type: _, ...rest } = signedBy(signer, 'AAAA');
      const partly = await client.create({ ...raw, ...rest });
      refused(await client.upload(partly.id, data), 'signature_required', /has no img_signature_key_type\./);
      assert.equal(await client.status(id), 'queued');
    });

    test('an image signed with a trusted certificate is taken', async () => {
      const signature = await desk.sign(data, signer.key);
      assert.equal((await client.createActive(data, signedBy(signer, signature))).status, 'active');
    });

    test('an image deleted while its certificate is waited for ends the upload', async () => {
      isHanging = true;
      const asked = new Promise<void>((resolve) => {
        isAsked = resolve;
      });
      const { id } = await client.create({ ...raw, ...signedBy(signer, 'AAAA') });
      const uploaded = client.upload(id, data);
      await asked;
      assert.equal((await client.delete(`/v2/images/${id}`)).status, 204);
      refused(await uploaded, 'image_deleted');
      isHanging = false;
    });
  });

  test('without a source of certificates a signed image is refused, not taken unverified', async () => {
    const target = await openTarget();
    try {
      const client = new Client(target);
      const signer = await desk.certify('rsa:2048');
      const { id } = await client.create({ ...raw, ...signedBy(signer, await desk.sign(data, signer.key)) });
      refused(await client.upload(id, data), 'certificate_refused', /signatures\.certificates/);
      assert.equal(await client.status(id), 'queued');
    } finally {
      await target.close();
    }
  });
});
