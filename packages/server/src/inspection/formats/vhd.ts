/** VHD: dynamic, with a copy of its footer in front, and fixed, which is a raw disk with a footer behind. */
import {
  damaged,
  decided,
  type Examination,
  type Format,
  requireHeader,
  type StreamEnd,
  sizeOf,
  textAt,
  unsafe,
} from './format.ts';

const cookie = 'conectix';
const footerBytes = 512;
const largest = 2040 * 1024 ** 3;
const kinds = { fixed: 2, dynamic: 3, differencing: 4 };

export const vhd: Format = {
  name: 'vhd',
  recognise: (head) => textAt(head, 0, cookie),
  examine(head): Examination {
    requireHeader(head, 1536, 'VHD');
    const footer = head.subarray(0, footerBytes);
    const size = checkFooter(footer);
    const kind = footer.readUInt32BE(60);
    if (kind === kinds.differencing) throw unsafe('the VHD image is a difference to a parent');
    if (kind !== kinds.dynamic)
      throw unsafe(`its VHD header has the disk type ${kind}, allowed is dynamic (3)`);
    checkDynamicHeader(head, size);
    return decided((end) => {
      const last = lastFooter(end);
      if (last === null) throw damaged('the VHD footer is missing, so data is missing too');
      if (checkFooter(last) !== size || last.readUInt32BE(60) !== kind) {
        throw unsafe('the two copies of its VHD footer differ');
      }
      return size;
    });
  },
};

/** The virtual size when the stream ends as a fixed VHD does, else null. */
export function fixedVhdSize(end: StreamEnd): number | null {
  const footer = lastFooter(end);
  if (footer === null || footer.readUInt32BE(60) !== kinds.fixed) return null;
  if (!checksumHolds(footer, 64) || footer.readBigUInt64BE(48) > BigInt(end.size)) return null;
  const size = Number(footer.readBigUInt64BE(48));
  return size === end.size - footerBytes ? size : null;
}

function lastFooter({ tail }: StreamEnd): Buffer | null {
  if (tail.length < footerBytes) return null;
  const footer = tail.subarray(tail.length - footerBytes);
  return textAt(footer, 0, cookie) ? footer : null;
}

/** The current size. */
function checkFooter(footer: Buffer): number {
  if (!checksumHolds(footer, 64)) throw unsafe('the checksum of its VHD footer is wrong');
  const size = sizeOf(footer.readBigUInt64BE(48), 'VHD');
  if (size > largest) throw unsafe(`its VHD header claims ${size} bytes, the format ends at 2040 GiB`);
  return size;
}

function checkDynamicHeader(head: Buffer, size: number): void {
  const at = head.readBigUInt64BE(16);
  if (at !== BigInt(footerBytes) || !textAt(head, footerBytes, 'cxsparse')) {
    throw unsafe('its VHD dynamic header is not where it belongs');
  }
  const header = head.subarray(footerBytes, footerBytes + 1024);
  if (!checksumHolds(header, 36)) throw unsafe('the checksum of its VHD dynamic header is wrong');
  if (header.readUInt32BE(28) * header.readUInt32BE(32) < size) {
    throw unsafe('the block table of its VHD header is too small for its size');
  }
}

/** The complement of the sum of all bytes but the checksum's own. */
function checksumHolds(bytes: Buffer, at: number): boolean {
  let sum = 0;
  for (const [index, byte] of bytes.entries()) if (index < at || index >= at + 4) sum += byte;
  return ~sum >>> 0 === bytes.readUInt32BE(at);
}
