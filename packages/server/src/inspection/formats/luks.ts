/** LUKS, versions 1 and 2: encrypted disks, sized by where their payload begins. */
import { damaged, decided, type Examination, type Format, requireHeader, textAt, unsafe } from './format.ts';

const sector = 512;

export const luks: Format = {
  name: 'luks',
  recognise: (head) => textAt(head, 0, 'LUKS\xba\xbe'),
  examine(head) {
    requireHeader(head, 592, 'LUKS');
    const version = head.readUInt16BE(6);
    if (version === 1) return behind(head.readUInt32BE(104) * sector);
    if (version === 2) return behind(segmentOffset(head));
    throw unsafe(`its LUKS version is ${version}, known are 1 and 2`);
  },
};

/** Everything from `payload` on; null when that is not known. */
function behind(payload: number | null): Examination {
  if (payload === 0) throw unsafe('the payload of its LUKS header is elsewhere');
  return decided(({ size }) => {
    if (payload === null) return null;
    if (payload > size) throw damaged('the LUKS payload begins beyond the end of the data');
    return size - payload;
  });
}

/** From the JSON behind the binary header; null when it is longer than the head or not understood. */
function segmentOffset(head: Buffer): number | null {
  const end = head.indexOf(0, 4096);
  if (end < 0) return null;
  try {
    const { segments } = JSON.parse(head.toString('utf8', 4096, end));
    const offsets = Object.values(segments as Record<string, { offset: string }>).map(({ offset }) =>
      Number(offset),
    );
    const first = Math.min(...offsets);
    return Number.isSafeInteger(first) && first >= 0 ? first : null;
  } catch {
    return null;
  }
}
