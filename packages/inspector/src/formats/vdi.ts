/** VDI, the format of VirtualBox: dynamic and static; undo and differencing images are refused. */
import { hex, isZero, u32le, u64le } from '../bytes.ts';
import { atEnd, claim, type Format, read, unsafe } from '../examination.ts';
import { refuseOverlaps } from './overlaps.ts';

export const vdi: Format = {
  name: 'vdi',
  title: 'a vdi image',
  role: 'layered',
  memory: 512,
  recognise: (head) => u32le(head, 64) === 0xbeda107f,
  *examine() {
    const header = yield* read(0, 512, 'VDI header');
    if (u32le(header, 68) !== 0x00010001)
      throw unsafe(`its VDI version is ${hex(header, 68, 72)}, known is 01000100`);
    const kind = u32le(header, 76);
    if (kind !== 1 && kind !== 2)
      throw unsafe('the VDI image is a difference to a parent, or of unknown type');
    if (!isZero(header.subarray(424, 456))) throw unsafe('the VDI image names a parent');
    const virtualSize = yield* claim(u64le(header, 368), 'VDI header');
    const blockSize = u32le(header, 376);
    const blocks = u32le(header, 384);
    if (blocks * blockSize < virtualSize)
      throw unsafe('the block table of its VDI header is too small for its size');
    if (u32le(header, 388) > blocks) throw unsafe('its VDI header has more blocks in use than there are');
    refuseOverlaps(
      [
        { what: 'header', offset: 0n, length: 512 },
        { what: 'block table', offset: BigInt(u32le(header, 340)), length: blocks * 4 },
        { what: 'data', offset: BigInt(u32le(header, 344)), length: 0 },
      ],
      'VDI header',
    );
    if (u32le(header, 344) < u32le(header, 340)) throw unsafe('its VDI data stand before their block table');
    yield* atEnd();
    return { virtualSize, facts: { subformat: kind === 1 ? 'dynamic' : 'static', blockSize, blocks } };
  },
};
