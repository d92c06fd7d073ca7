/** ISO 9660 and UDF: volume descriptors from byte 32768 on. */
import { damaged, decided, type Format, textAt, unsafe } from './format.ts';

const firstDescriptor = 32768;
const descriptorBytes = 2048;

export const iso: Format = {
  name: 'iso',
  recognise: (head) => textAt(head, firstDescriptor + 1, 'CD001'),
  examine(head) {
    const primary = primaryDescriptor(head);
    const blocks = primary.readUInt32LE(80);
    if (blocks !== primary.readUInt32BE(84)) throw unsafe('its ISO 9660 header states two different sizes');
    const volume = blocks * primary.readUInt16LE(128);
    return decided(({ size }) => {
      if (volume > size) {
        throw damaged(`the ISO 9660 volume has ${volume} bytes, but the data ends after ${size}`);
      }
      return volume;
    });
  },
};

export const udf: Format = {
  name: 'udf',
  recognise(head) {
    for (let at = firstDescriptor; at + 6 <= head.length; at += descriptorBytes) {
      const id = head.toString('latin1', at + 1, at + 6);
      if (id === 'NSR02' || id === 'NSR03') return true;
      if (id !== 'BEA01' && id !== 'CD001') return false;
    }
    return false;
  },
  examine: () => decided(null),
};

/** It need not be the first. */
function primaryDescriptor(head: Buffer): Buffer {
  for (let at = firstDescriptor; at + descriptorBytes <= head.length; at += descriptorBytes) {
    if (!textAt(head, at + 1, 'CD001')) break;
    if (head.readUInt8(at) === 1) return head.subarray(at, at + descriptorBytes);
    if (head.readUInt8(at) === 255) break;
  }
  throw unsafe('its ISO 9660 header has no primary volume descriptor');
}
