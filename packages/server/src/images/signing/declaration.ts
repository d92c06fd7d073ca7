/** What an image says of its signature: the four img_signature properties, read and checked. */
import { Failure } from '../../base/failure.ts';
import type { Properties } from '../image.ts';
import { isKeyType, type KeyType, keyTypes } from './key-types.ts';

export interface Declaration {
  readonly signature: Buffer;
  /** A name that node:crypto knows. */
  readonly hash: string;
  readonly keyType: KeyType;
  /** A UUID in lower case. */
  readonly certificateId: string;
}

const names = [
  'img_signature',
  'img_signature_hash_method',
  'img_signature_key_type',
  'img_signature_certificate_uuid',
] as const;

/** MD5 is none of them: two images with one MD5 are made in seconds. */
const hashes = new Map([
  ['SHA-224', 'sha224'],
  ['SHA-256', 'sha256'],
  ['SHA-384', 'sha384'],
  ['SHA-512', 'sha512'],
]);

const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

function invalid(message: string): Failure {
  return new Failure('signature_invalid', message);
}

/**
 * Null for an image that is not signed. Fails with signature_required when it has to be, and with signature_invalid
 * when the properties are not ones that a signature could be verified by.
 */
export function readDeclaration(properties: Properties, isRequired: boolean): Declaration | null {
  const missing = names.filter((name) => !Object.hasOwn(properties, name));
  if (missing.length > 0 && isRequired)
    throw new Failure(
      'signature_required',
      `This server takes only signed images, and the image has no ${missing.join(', ')}.`,
    );
  // Glance: an image with some of the properties counts as unsigned.
  if (missing.length > 0) return null;
  const [signature, hashMethod, keyType, certificateId] = names.map((name) => properties[name] ?? '');
  return {
    signature: readSignature(signature!),
    hash: readHash(hashMethod!),
    keyType: readKeyType(keyType!),
    certificateId: readCertificateId(certificateId!),
  };
}

/** Base64, on one line or, as some commands write it, on many. */
function readSignature(text: string): Buffer {
  // Glance: `openstack image create --sign-key-path` writes it as Python shows bytes.
  const packed = text.replace(/^b'(.*)'$/, '$1').replace(/\s+/g, '');
  const data = Buffer.from(packed, 'base64');
  if (data.length === 0 || data.toString('base64') !== packed)
    throw invalid('img_signature is not a signature in base64.');
  return data;
}

function readHash(text: string): string {
  const hash = hashes.get(text);
  if (hash === undefined)
    throw invalid(`img_signature_hash_method is none of ${[...hashes.keys()].join(', ')}.`);
  return hash;
}

function readKeyType(text: string): KeyType {
  if (!isKeyType(text)) throw invalid(`img_signature_key_type is none of ${keyTypes.join(', ')}.`);
  return text;
}

function readCertificateId(text: string): string {
  if (!uuid.test(text)) throw invalid('img_signature_certificate_uuid is not a UUID.');
  return text.toLowerCase();
}
