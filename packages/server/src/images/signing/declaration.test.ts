/** The img_signature properties: what is a signature, what is none, and what is refused. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FailureCode } from '@tintype/contract';
import { Failure } from '../../base/failure.ts';
import type { Properties } from '../image.ts';
import { readDeclaration } from './declaration.ts';

const good = {
  img_signature: 'AAECAw==',
  img_signature_hash_method: 'SHA-256',
  img_signature_key_type: 'RSA-PSS',
  img_signature_certificate_uuid: '0D8886F1-59d7-49d2-a972-dbdbb7344fcb',
};

function refuses(properties: Properties, code: FailureCode, message: RegExp, isRequired = false): void {
  assert.throws(
    () => readDeclaration(properties, isRequired),
    (error) => error instanceof Failure && error.code === code && message.test(error.message),
    JSON.stringify(properties),
  );
}

test('all four are read', () => {
  assert.deepEqual(readDeclaration({ os_distro: 'debian', ...good }, false), {
    signature: Buffer.from([0, 1, 2, 3]),
    hash: 'sha256',
    keyType: 'RSA-PSS',
    certificateId: '0d8886f1-59d7-49d2-a972-dbdbb7344fcb',
  });
});

describe('any of them missing', () => {
  for (const name of Object.keys(good))
    test(name, () => {
      const { [name]: _, ...rest } = good as Properties;
      assert.equal(readDeclaration(rest, false), null);
      refuses(rest, 'signature_required', new RegExp(`has no ${name}\\.$`), true);
    });
  test('all', () => {
    assert.equal(readDeclaration({}, false), null);
    refuses({}, 'signature_required', /img_signature, .*img_signature_certificate_uuid/, true);
    // Names that every object has are no properties.
    assert.equal(readDeclaration({ constructor: 'x' }, false), null);
  });
});

test('base64 is read on several lines, and as the openstack command writes it', () => {
  for (const img_signature of ['AAEC\nAw==\n', "b'AAECAw=='"]) {
    const read = readDeclaration({ ...good, img_signature }, false);
    assert.deepEqual(read?.signature, Buffer.from([0, 1, 2, 3]));
  }
});

test('what is not base64 is refused', () => {
  for (const img_signature of [
    '',
    ' \n',
    'AAECAw',
    'AAECAw=',
    'A',
    '====',
    '_-8=',
    'AAEC*w==',
    'AAECAx==',
    'ÄÖ==',
  ])
    refuses({ ...good, img_signature }, 'signature_invalid', /^img_signature is not .* base64/);
});

test('hash methods that do not protect, or that nobody knows, are refused', () => {
  for (const img_signature_hash_method of [
    'MD5',
    'md5',
    'SHA-1',
    'sha256',
    'SHA256',
    'SHA-512/256',
    '',
    '__proto__',
  ])
    refuses(
      { ...good, img_signature_hash_method },
      'signature_invalid',
      /none of SHA-224, SHA-256, SHA-384, SHA-512/,
    );
});

test('unknown key types are refused', () => {
  for (const img_signature_key_type of ['RSA', 'rsa-pss', 'ECC_SECP256R1', 'ECC-CURVES', 'toString', ''])
    refuses(
      { ...good, img_signature_key_type },
      'signature_invalid',
      /none of RSA-PSS, DSA, ECC_SECT571K1, /,
    );
});

test('what is not a UUID is refused: it becomes part of a file name and of a URL', () => {
  const uuid = good.img_signature_certificate_uuid;
  for (const img_signature_certificate_uuid of [
    '',
    '../x',
    `../${uuid}`,
    `${uuid}/..`,
    `${uuid}\n`,
    `${uuid}%00`,
    uuid.replaceAll('-', ''),
  ])
    refuses({ ...good, img_signature_certificate_uuid }, 'signature_invalid', /is not a UUID/);
});
