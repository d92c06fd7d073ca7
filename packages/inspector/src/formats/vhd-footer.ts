/** The footer of VHD, which a fixed one has behind a raw disk. */
import { latin1, shown, textAt, u16be, u32be, u64be } from '../bytes.ts';
import { complementOfSum } from '../checksums.ts';
import type { StreamEnd } from '../examination.ts';
import type { Facts } from '../inspection.ts';

export const footerBytes = 512;
/** What the format can address. */
export const largestVhd = 2040 * 1024 ** 3;
export const vhdKinds = { fixed: 2, dynamic: 3, differencing: 4 };

const cookie = 'conectix';
/** Programs of whose files QEMU takes the size, and not the geometry. */
const sizedByCreator = ['win ', 'qem2', 'd2v ', 'tap\0', 'CTXS'];
const largestGeometry = 65535 * 16 * 255;

export interface VhdFooter {
  readonly holds: boolean;
  readonly kind: number;
  readonly virtualSize: bigint;
  readonly facts: Facts;
  /** When QEMU reckons with the geometry instead: the bytes that come of it. */
  readonly geometrySize: number | null;
}

export function isVhdFooter(bytes: Uint8Array, at: number): boolean {
  return textAt(bytes, at, cookie);
}

export function readVhdFooter(footer: Uint8Array): VhdFooter {
  const creator = latin1(footer, 28, 32);
  const sectors = u16be(footer, 56) * footer[58]! * footer[59]!;
  const isSized = sizedByCreator.includes(creator) || sectors === largestGeometry;
  return {
    holds: complementOfSum(footer, 64) === u32be(footer, 64),
    kind: u32be(footer, 60),
    virtualSize: u64be(footer, 48),
    facts: { creator: shown(creator.trim()) },
    geometrySize: isSized ? null : sectors * 512,
  };
}

export interface FixedVhd {
  readonly virtualSize: number | null;
  readonly facts: Facts;
  /** Why it is no whole fixed VHD, or null. */
  readonly damage: string | null;
}

/** Null when the data does not end as a fixed VHD does. */
export function fixedVhdAt({ tail, size }: StreamEnd): FixedVhd | null {
  const old = tail.length - footerBytes + 1;
  if (old >= 0 && isVhdFooter(tail, old) && u32be(tail, old + 60) === vhdKinds.fixed) {
    const damage = 'it ends in a VHD footer of 511 bytes, as very old Virtual PC wrote it';
    return { virtualSize: null, facts: {}, damage };
  }
  const at = tail.length - footerBytes;
  if (at < 0 || !isVhdFooter(tail, at)) return null;
  const { holds, kind, virtualSize, facts } = readVhdFooter(tail.subarray(at));
  if (kind !== vhdKinds.fixed) return null;
  const there = size - footerBytes;
  if (!holds) return { virtualSize: null, facts, damage: 'the checksum of its VHD footer is wrong' };
  if (virtualSize !== BigInt(there)) {
    const damage = `its VHD footer says ${virtualSize} bytes, but ${there} stand before it`;
    return { virtualSize: null, facts, damage };
  }
  return { virtualSize: there, facts: { ...facts, subformat: 'fixed' }, damage: null };
}
