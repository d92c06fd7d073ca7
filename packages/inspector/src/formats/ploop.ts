/** Ploop, the expandable format of Virtuozzo (QEMU: parallels). */
import { textAt, u32le, u64le } from '../bytes.ts';
import { atEnd, claim, type Format, read, unsafe } from '../examination.ts';

const wide = 'WithouFreSpacExt';
const sector = 512n;
const inUse = 0x746f6e59;

export const ploop: Format = {
  name: 'ploop',
  title: 'a ploop image',
  role: 'layered',
  memory: 64,
  recognise: (head) => textAt(head, 0, 'WithoutFreeSpace') || textAt(head, 0, wide),
  *examine() {
    const header = yield* read(0, 64, 'ploop header');
    const version = u32le(header, 16);
    if (version !== 2) throw unsafe(`its ploop version is ${version}, known is 2`);
    const sectors = textAt(header, 0, wide) ? u64le(header, 36) : BigInt(u32le(header, 36));
    const virtualSize = yield* claim(sectors * sector, 'ploop header');
    const blockSectors = u32le(header, 28);
    const blocks = u32le(header, 32);
    if (blockSectors === 0 || BigInt(blocks) * BigInt(blockSectors) < sectors)
      throw unsafe('the block table of its ploop header is too small for its size');
    const dataAt = BigInt(u32le(header, 48)) * sector;
    if (dataAt !== 0n && dataAt < 64n + BigInt(blocks) * 4n)
      throw unsafe('the block table of its ploop header runs into the data');
    yield* atEnd();
    const isOpen = u32le(header, 44) === inUse;
    return {
      virtualSize,
      warnings: isOpen ? ['it was not closed properly: check it before use'] : [],
      facts: { blockSize: blockSectors * Number(sector) },
    };
  },
};
