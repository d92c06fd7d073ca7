/** Makes new inputs of known ones. */
import type { Chance } from './chance.ts';

/** Words that formats go by: random bytes would hardly ever become one of them. */
const words = [
  'QFI\xfb',
  'KDMV',
  'COWD',
  'conectix',
  'cxsparse',
  'vhdxfile',
  'head',
  'regi',
  'metadata',
  'CD001',
  'BEA01',
  'NSR03',
  'TEA01',
  'LUKS\xba\xbe',
  'EFI PART',
  'U\xaa',
  'ustar\x0000',
  'PK\x03\x04',
  'PK\x01\x02',
  'PK\x05\x06',
  '\x1f\x8b\x08',
  'WithoutFreeSpace',
  'createType="monolithicSparse"',
  'parentCID=ffffffff',
  'RW 2048 SPARSE "x.vmdk"',
  'parentFileNameHint="x"',
  '<Envelope ',
  '<File ovf:href="',
  '<Disk ovf:capacity="',
  '<!--',
  '-->',
  '<!DOCTYPE',
  '../',
  '.ovf',
  '.mf',
  'SHA256(',
  '-lh5-',
].map((word) => Buffer.from(word, 'latin1'));

const numbers = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0x200n,
  0x7fffn,
  0xffffn,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];

type Mutation = (bytes: Buffer, at: number, chance: Chance, others: readonly Buffer[]) => Buffer;

const mutations: readonly Mutation[] = [
  (bytes, at, chance) => put(bytes, at, Buffer.from([bytes[at]! ^ (1 << chance.below(8))])),
  (bytes, at, chance) => put(bytes, at, Buffer.from([chance.below(256)])),
  (bytes, at, chance) => put(bytes, at, Buffer.from([bytes[at]! + chance.pick([-1, 1])])),
  (bytes, at, chance) => put(bytes, at, numberOf(chance)),
  (bytes, at, chance) => put(bytes, at, chance.pick(words)),
  (bytes, at, chance) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + chance.below(600))]),
  (bytes, at, chance) =>
    Buffer.concat([
      bytes.subarray(0, at),
      bytes.subarray(at, at + 1 + chance.below(600)),
      bytes.subarray(at),
    ]),
  (bytes, at, chance, others) => {
    const other = chance.pick(others);
    const from = chance.below(other.length + 1);
    return put(bytes, at, other.subarray(from, from + chance.below(2000)));
  },
  (bytes, at) => bytes.subarray(0, at),
];

/** One to eight changes, mostly few, and mostly where headers are. */
export function mutate(input: Buffer, chance: Chance, others: readonly Buffer[]): Buffer {
  let bytes = Buffer.from(input);
  for (let count = 1 + chance.below(1 + chance.below(8)); count > 0; count -= 1)
    bytes = Buffer.from(chance.pick(mutations)(bytes, placeIn(bytes, chance), chance, others));
  return bytes;
}

function placeIn(bytes: Buffer, chance: Chance): number {
  const near = [200, 1024, 4096, 70_000, bytes.length];
  const at = chance.below(Math.min(bytes.length, chance.pick(near)) + 1);
  const isFromEnd = chance.below(8) === 0;
  return isFromEnd ? Math.max(0, bytes.length - at) : at;
}

function numberOf(chance: Chance): Buffer {
  const number = chance.pick(numbers);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(number);
  const length = chance.pick([2, 4, 8]);
  const big = bytes.subarray(8 - length);
  return chance.below(2) === 0 ? big : Buffer.from(big).reverse();
}

/** Over what is there; the result is as long as it needs to be. */
function put(bytes: Buffer, at: number, what: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), what, bytes.subarray(at + what.length)]);
}
