/** Ploop, the expandable format of Virtuozzo (QEMU: parallels). */
import { decided, type Format, requireHeader, sizeOf, textAt, unsafe } from './format.ts';

export const ploop: Format = {
  name: 'ploop',
  recognise: (head) => textAt(head, 0, 'WithoutFreeSpace') || textAt(head, 0, 'WithouFreSpacExt'),
  examine(head) {
    requireHeader(head, 64, 'ploop');
    const version = head.readUInt32LE(16);
    if (version !== 2) throw unsafe(`its ploop version is ${version}, known is 2`);
    const wide = textAt(head, 0, 'WithouFreSpacExt');
    const sectors = wide ? head.readBigUInt64LE(36) : BigInt(head.readUInt32LE(36));
    return decided(sizeOf(sectors * 512n, 'ploop'));
  },
};
