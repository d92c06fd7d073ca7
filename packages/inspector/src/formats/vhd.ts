/** Dynamic VHD, with a copy of its footer in front. A fixed one shows itself only at its end: `vhd-footer.ts`. */
import { textAt, u32be, u64be } from '../bytes.ts';
import { complementOfSum } from '../checksums.ts';
import { atEnd, claim, damaged, type Examination, type Format, read, unsafe } from '../examination.ts';
import {
  footerBytes,
  isVhdFooter,
  largestVhd,
  readVhdFooter,
  type VhdFooter,
  vhdKinds,
} from './vhd-footer.ts';

const windowBytes = 64 * 1024;
const unallocated = 0xffffffff;

export const vhd: Format = {
  name: 'vhd',
  title: 'a vhd image',
  role: 'layered',
  memory: windowBytes + 2048,
  recognise: (head) => isVhdFooter(head, 0),
  *examine() {
    const start = yield* read(0, footerBytes, 'VHD header');
    const footer = readVhdFooter(start);
    checkKind(footer);
    const virtualSize = yield* claim(footer.virtualSize, 'VHD header');
    if (virtualSize > largestVhd)
      throw unsafe(`its VHD header claims ${virtualSize} bytes, the format ends at 2040 GiB`);
    if (u64be(start, 16) !== BigInt(footerBytes))
      throw unsafe('its VHD dynamic header is not where it belongs');
    const table = readDynamicHeader(yield* read(footerBytes, 1024, 'VHD header'), virtualSize);
    const farthest = yield* readBlockTable(table);
    const { tail, size } = yield* atEnd();
    checkEnd(tail, footer);
    if (farthest > size) throw damaged('it ends before the last of its blocks, so data is missing');
    return findings(footer, virtualSize, table.blockSize);
  },
};

function checkKind({ holds, kind }: VhdFooter): void {
  if (!holds) throw unsafe('the checksum of its VHD footer is wrong');
  if (kind === vhdKinds.differencing) throw unsafe('the VHD image is a difference to a parent');
  if (kind !== vhdKinds.dynamic)
    throw unsafe(`its VHD header has the disk type ${kind}, allowed is dynamic (3)`);
}

interface BlockTable {
  readonly offset: number;
  readonly entries: number;
  readonly blockSize: number;
}

function readDynamicHeader(header: Uint8Array, virtualSize: number): BlockTable {
  if (!textAt(header, 0, 'cxsparse')) throw unsafe('its VHD dynamic header is not where it belongs');
  if (complementOfSum(header, 36) !== u32be(header, 36))
    throw unsafe('the checksum of its VHD dynamic header is wrong');
  const entries = u32be(header, 28);
  const blockSize = u32be(header, 32);
  if (blockSize < 512 || (blockSize & (blockSize - 1)) !== 0)
    throw unsafe(`the block size of its VHD header is ${blockSize}, which is no power of two`);
  if (entries * blockSize < virtualSize)
    throw unsafe('the block table of its VHD header is too small for its size');
  if (entries * blockSize > largestVhd + blockSize)
    throw unsafe('the block table of its VHD header is larger than the format allows');
  const offset = u64be(header, 16);
  if (offset < 1536n || offset > Number.MAX_SAFE_INTEGER)
    throw unsafe('the block table of its VHD header is not where it may be');
  return { offset: Number(offset), entries, blockSize };
}

/** Where the farthest block ends. A block over the headers or over the table itself is nobody's honest work. */
function* readBlockTable({ offset, entries, blockSize }: BlockTable): Examination<number> {
  const end = offset + entries * 4;
  const bitmap = Math.ceil(blockSize / 512 / 8 / 512) * 512;
  let farthest = 0;
  for (let at = offset; at < end; at += windowBytes) {
    const window = yield* read(at, Math.min(windowBytes, end - at), 'VHD block table');
    for (let entry = 0; entry < window.length; entry += 4) {
      const sector = u32be(window, entry);
      if (sector === unallocated) continue;
      const block = sector * 512;
      const blockEnd = block + bitmap + blockSize;
      if (block < 1536 || (block < end && blockEnd > offset))
        throw unsafe('the blocks of its VHD header lie over its tables');
      if (blockEnd > farthest) farthest = blockEnd;
    }
  }
  return farthest;
}

function checkEnd(tail: Uint8Array, first: VhdFooter): void {
  const at = tail.length - footerBytes;
  if (at < 0 || !isVhdFooter(tail, at)) throw damaged('the VHD footer is missing, so data is missing too');
  const last = readVhdFooter(tail.subarray(at));
  if (!last.holds) throw unsafe('the checksum of its VHD footer is wrong');
  if (last.virtualSize !== first.virtualSize || last.kind !== first.kind)
    throw unsafe('the two copies of its VHD footer differ');
}

function findings({ facts, geometrySize }: VhdFooter, virtualSize: number, blockSize: number) {
  const differs = geometrySize !== null && geometrySize !== virtualSize;
  return {
    virtualSize,
    warnings: differs
      ? [`QEMU goes by the geometry in its header, which makes ${geometrySize} bytes of it`]
      : [],
    facts: { ...facts, subformat: 'dynamic', blockSize },
  };
}
