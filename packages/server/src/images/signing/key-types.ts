/** The kinds of keys that sign images: which public keys belong to each, and how their signatures are verified. */
import { constants, createHash, type KeyObject, type VerifyKeyObjectInput } from 'node:crypto';

/** Name in the API → name of the curve. */
const curves = {
  ECC_SECT571K1: 'sect571k1',
  ECC_SECT409K1: 'sect409k1',
  ECC_SECT571R1: 'sect571r1',
  ECC_SECT409R1: 'sect409r1',
  ECC_SECP521R1: 'secp521r1',
  ECC_SECP384R1: 'secp384r1',
} as const;
type CurveType = keyof typeof curves;

export type KeyType = 'RSA-PSS' | 'DSA' | CurveType;

export const keyTypes: readonly KeyType[] = ['RSA-PSS', 'DSA', ...(Object.keys(curves) as CurveType[])];

/** Bits: less is too weak; more would keep everybody else waiting while one signature is verified. */
const bounds = { rsa: [2048, 8192], dsa: [2048, 4096] } as const;

export function isKeyType(text: string): text is KeyType {
  return (keyTypes as readonly string[]).includes(text);
}

/** Why signatures of this type cannot be verified with `key`, after "its key"; null when they can. */
export function unfitness(type: KeyType, key: KeyObject): string | null {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const kind = key.asymmetricKeyType ?? 'unknown';
  if (type !== 'RSA-PSS' && type !== 'DSA') {
    if (kind === 'ec' && namedCurve === curves[type]) return null;
    return `is ${kind === 'ec' ? `on the curve ${namedCurve ?? 'of its own'}` : kind}, not on ${curves[type]}`;
  }
  const isKind = type === 'DSA' ? kind === 'dsa' : kind === 'rsa' || kind === 'rsa-pss';
  if (!isKind) return `is ${kind}, not ${type}`;
  const [least, most] = bounds[type === 'DSA' ? 'dsa' : 'rsa'];
  if (modulusLength >= least && modulusLength <= most) return null;
  return `has ${modulusLength} bits, and ${least} to ${most} are accepted`;
}

/** What node:crypto verifies with. */
export function verification(type: KeyType, key: KeyObject, hash: string): VerifyKeyObjectInput {
  if (type !== 'RSA-PSS') return { key, dsaEncoding: 'der' };
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: longestSalt(key, hash) };
}

/** Glance: signers use the longest salt there is room for, and no other is accepted. */
function longestSalt(key: KeyObject, hash: string): number {
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  return Math.ceil((bits - 1) / 8) - createHash(hash).digest().length - 2;
}
