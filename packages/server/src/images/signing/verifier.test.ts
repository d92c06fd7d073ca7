/** Signatures of every kind that clients may declare, made with openssl. */
import assert from 'node:assert/strict';
import { createPublicKey, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import {
  type Certificate,
  type KeyKind,
  SigningDesk,
  withoutOpenssl,
} from '../../../../../test/support/signing.ts';
import { Failure } from '../../base/failure.ts';
import { type KeyType, keyTypes, unfitness } from './key-types.ts';
import { SignatureVerifier } from './verifier.ts';

const hashes = ['sha224', 'sha256', 'sha384', 'sha512'];

function keyKind(type: KeyType): KeyKind {
  if (type === 'RSA-PSS') return 'rsa:2048';
  return type === 'DSA' ? 'dsa:2048' : `ec:${type.slice('ECC_'.length).toLowerCase()}`;
}

function isMismatch(error: unknown): boolean {
  return error instanceof Failure && error.code === 'signature_mismatch';
}

describe('signatures', { skip: withoutOpenssl() }, () => {
  let desk: SigningDesk;
  const certificates = new Map<KeyType, Certificate>();
  const data = randomBytes(100_000);

  before(async () => {
    desk = await SigningDesk.open();
    for (const type of keyTypes) certificates.set(type, await desk.certify(keyKind(type)));
  });
  after(() => desk?.remove());

  function verify(
    type: KeyType,
    hash: string,
    signature: string,
    bytes: Buffer,
    by = certificates.get(type)!,
  ): void {
    const signer = { signature, hash, keyType: type, certificateId: by.id, certificate: by.pem.toString() };
    // A signer may have been kept as text meanwhile.
    const verifier = new SignatureVerifier(JSON.parse(JSON.stringify(signer)));
    for (let at = 0; at < bytes.length; at += 30_000) verifier.update(bytes.subarray(at, at + 30_000));
    verifier.finish();
  }

  for (const type of keyTypes)
    for (const hash of hashes)
      test(`${type} and ${hash}`, async () => {
        const signature = await desk.sign(data, certificates.get(type)!.key, { hash });
        verify(type, hash, signature, data);
        const changed = Buffer.from(data);
        changed[70_000]! ^= 1;
        assert.throws(() => verify(type, hash, signature, changed), isMismatch);
        assert.throws(() => verify(type, hash, signature, data.subarray(1)), isMismatch);
      });

  test('no data has a signature too', async () => {
    const empty = Buffer.alloc(0);
    verify('RSA-PSS', 'sha256', await desk.sign(empty, certificates.get('RSA-PSS')!.key), empty);
  });

  test('a signature of another kind or length is a mismatch, whatever the key', () => {
    const odd = [
      Buffer.alloc(1),
      Buffer.alloc(256),
      randomBytes(256),
      randomBytes(5000),
      Buffer.from('300602010002010', 'hex'),
    ];
    for (const type of keyTypes)
      for (const signature of odd)
        assert.throws(() => verify(type, 'sha256', signature.toString('base64'), data), isMismatch);
  });

  test('another hash method and another key are mismatches', async () => {
    const signature = await desk.sign(data, certificates.get('RSA-PSS')!.key);
    assert.throws(() => verify('RSA-PSS', 'sha512', signature, data), isMismatch);
    const other = await desk.certify('rsa:2048');
    assert.throws(() => verify('RSA-PSS', 'sha256', signature, data, other), isMismatch);
  });

  test('a salt that is not the longest is refused, as those who read the image refuse it', async () => {
    const signature = await desk.sign(data, certificates.get('RSA-PSS')!.key, { salt: 'digest' });
    assert.throws(() => verify('RSA-PSS', 'sha256', signature, data), /salt shorter than the longest/);
  });

  test('RSA keys of odd lengths have their longest salt', async () => {
    for (const kind of ['rsa:2049', 'rsa:2055', 'rsa:3000'] as const) {
      const by = await desk.certify(kind);
      verify('RSA-PSS', 'sha512', await desk.sign(data, by.key, { hash: 'sha512' }), data, by);
    }
  });
});

test('keys that are too small, too large, or of another kind do not fit', () => {
  const rsa = (bits: number) => {
    const modulus = randomBytes(bits / 8);
    modulus[0]! |= 0x80;
    modulus[modulus.length - 1]! |= 1;
    return createPublicKey({
      key: { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' },
      format: 'jwk',
    });
  };
  assert.equal(unfitness('RSA-PSS', rsa(2048)), null);
  assert.equal(unfitness('RSA-PSS', rsa(8192)), null);
  assert.match(unfitness('RSA-PSS', rsa(1024)) ?? '', /1024 bits, and 2048 to 8192/);
  assert.match(unfitness('RSA-PSS', rsa(16384)) ?? '', /16384 bits/);
  for (const type of keyTypes)
    if (type !== 'RSA-PSS') assert.match(unfitness(type, rsa(2048)) ?? '', /^is rsa, not /);
});
