/** VDI, the format of VirtualBox: dynamic and static; undo and differencing images are refused. */
import { decided, type Format, requireHeader, sizeOf, unsafe } from './format.ts';

const noUuid = Buffer.alloc(16);

export const vdi: Format = {
  name: 'vdi',
  recognise: (head) => head.length >= 68 && head.readUInt32LE(64) === 0xbeda107f,
  examine(head) {
    requireHeader(head, 512, 'VDI');
    const version = head.readUInt32LE(68);
    if (version !== 0x00010001) throw unsafe(`its VDI version is ${version.toString(16)}, known is 1.1`);
    const kind = head.readUInt32LE(76);
    if (kind !== 1 && kind !== 2)
      throw unsafe('the VDI image is a difference to a parent, or of unknown type');
    if (!head.subarray(424, 440).equals(noUuid) || !head.subarray(440, 456).equals(noUuid)) {
      throw unsafe('the VDI image names a parent');
    }
    const size = sizeOf(head.readBigUInt64LE(368), 'VDI');
    const blocks = head.readUInt32LE(384) * head.readUInt32LE(376);
    if (blocks < size) throw unsafe('the block table of its VDI header is too small for its size');
    const map = head.readUInt32LE(340) + head.readUInt32LE(384) * 4;
    if (map > head.readUInt32LE(344)) throw unsafe('the block table of its VDI header runs into the data');
    return decided(size);
  },
};
