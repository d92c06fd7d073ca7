/** Certificates of signers: their time, their keys, and who issued them. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import {
  type Certificate,
  type CertificateOptions,
  SigningDesk,
  signedBy,
  withoutOpenssl,
} from '../../../../../test/support/signing.ts';
import { Failure } from '../../base/failure.ts';
import type { Image } from '../image.ts';
import { readBundle, type Signatures } from './signatures.ts';
import { findSigner, type Signer } from './signer.ts';

const signature = 'AAECAw==';

/** The answer for an image that names `certificate`, which the source has as `data`. */
async function find(
  certificate: Pick<Certificate, 'id' | 'pem'>,
  { keyType = 'RSA-PSS', trusted = null as readonly Certificate[] | null, data = certificate.pem } = {},
): Promise<Signer | null> {
  const signatures: Signatures = {
    required: false,
    certificates: { fetch: async () => data, close: async () => {} },
    trusted: trusted && { current: trusted.map(({ pem }) => new X509Certificate(pem)) },
  };
  const image = { properties: signedBy(certificate, signature, { keyType }) } as unknown as Image;
  return await findSigner(signatures, image, { token: null, signal: new AbortController().signal });
}

async function refused(found: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(
    found,
    (error) =>
      error instanceof Failure && error.code === 'certificate_refused' && message.test(error.message),
  );
}

describe('certificates', { skip: withoutOpenssl() }, () => {
  let desk: SigningDesk;
  let root: Certificate;
  before(async () => {
    desk = await SigningDesk.open();
    root = await desk.certify('ec:secp384r1', { name: 'Root', isAuthority: true, to: 10 });
  });
  after(() => desk?.remove());
  const make = (options: CertificateOptions = {}) => desk.certify('rsa:2048', options);

  test('in PEM, in DER, and the first of several', async () => {
    const one = await make();
    const other = await make();
    const expected = { signature, hash: 'sha256', keyType: 'RSA-PSS', certificateId: one.id };
    for (const data of [one.pem, one.der, Buffer.concat([one.pem, other.pem])]) {
      const { certificate, ...rest } = (await find(one, { data }))!;
      assert.deepEqual(rest, expected);
      assert.equal(certificate, one.pem.toString());
    }
  });

  test('what is no certificate is refused', async () => {
    const one = await make();
    for (const data of [
      Buffer.alloc(0),
      Buffer.from('-----BEGIN CERTIFICATE-----'),
      one.der.subarray(0, 300),
    ])
      await refused(find(one, { data }), /is not X\.509 in PEM or DER/);
  });

  test('outside their time they are refused', async () => {
    await refused(find(await make({ from: -3, to: -1 })), /expired at 2/);
    await refused(find(await make({ from: 1, to: 3 })), /not valid before 2/);
  });

  test('the key has to be of the declared type, and strong enough', async () => {
    const curve = await desk.certify('ec:secp384r1');
    assert.notEqual(await find(curve, { keyType: 'ECC_SECP384R1' }), null);
    await refused(find(curve, { keyType: 'ECC_SECP521R1' }), /on the curve secp384r1, not on secp521r1/);
    await refused(find(curve, { keyType: 'RSA-PSS' }), /is ec, not RSA-PSS/);
    await refused(find(curve, { keyType: 'DSA' }), /is ec, not DSA/);
    await refused(find(await make(), { keyType: 'ECC_SECP384R1' }), /is rsa, not on secp384r1/);
    await refused(find(await desk.certify('rsa:1024')), /1024 bits/);
    await refused(find(await desk.certify('dsa:1024'), { keyType: 'DSA' }), /1024 bits/);
  });

  test('with trusted authorities, others are refused', async () => {
    const issued = await make({ issuer: root });
    assert.notEqual(await find(issued, { trusted: [root] }), null);
    await refused(find(await make(), { trusted: [root] }), /not issued by an authority/);
    await refused(find(issued, { trusted: [] }), /not issued by an authority/);
  });

  test('a trusted certificate may sign itself', async () => {
    const own = await make();
    assert.notEqual(await find(own, { trusted: [root, own] }), null);
  });

  test('an intermediate authority counts once it is trusted itself', async () => {
    const between = await desk.certify('rsa:2048', { name: 'Between', issuer: root, isAuthority: true });
    const issued = await make({ issuer: between });
    await refused(find(issued, { trusted: [root] }), /not issued/);
    assert.notEqual(await find(issued, { trusted: [root, between] }), null);
  });

  test('not trusted: of an authority that expired, that is none, that is another of the same name, or by SHA-1', async () => {
    const old = await desk.certify('rsa:2048', { name: 'Old', isAuthority: true, from: -3, to: -1 });
    await refused(find(await make({ issuer: old }), { trusted: [old] }), /not issued/);
    const none = await make({ name: 'None' });
    await refused(find(await make({ issuer: none }), { trusted: [none] }), /not issued/);
    const pretender = await desk.certify('ec:secp384r1', { name: 'Root', isAuthority: true });
    await refused(find(await make({ issuer: pretender }), { trusted: [root] }), /not issued/);
    await refused(find(await make({ issuer: root, digest: 'sha1' }), { trusted: [root] }), /not issued/);
  });

  test('a bundle has one certificate at least, and nothing broken', async () => {
    const text = `# ours\n${root.pem}\nText between.\n${(await make()).pem}`;
    assert.equal(readBundle(text).length, 2);
    assert.throws(() => readBundle('# none yet\n'), /no certificate/);
    assert.throws(() => readBundle('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'));
  });
});
