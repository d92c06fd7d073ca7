/** ISO 9660 and UDF: volume descriptors from byte 32768 on. */
import { latin1, textAt, u16le, u32be, u32le } from '../bytes.ts';
import { atEnd, claim, damaged, type Format, readSome, unsafe } from '../examination.ts';

const firstDescriptor = 32768;
const descriptorBytes = 2048;
const mostDescriptors = 64;

export const iso: Format = {
  name: 'iso',
  title: 'an iso image',
  role: 'optical',
  memory: 2 * descriptorBytes,
  recognise: (head) => textAt(head, firstDescriptor + 1, 'CD001'),
  *examine() {
    const { blocks, blockSize, facts } = yield* readVolume();
    const virtualSize = yield* claim(blocks * blockSize, 'ISO 9660 header');
    const { size } = yield* atEnd();
    if (virtualSize > size)
      throw damaged(`the ISO 9660 volume has ${virtualSize} bytes, but the data ends after ${size}`);
    return { virtualSize, facts };
  },
};

export const udf: Format = {
  name: 'udf',
  title: 'a UDF image',
  role: 'optical',
  memory: 0,
  // With sectors of 4096 bytes every descriptor has one of its own.
  recognise: (head) => hasUdfDescriptors(head, descriptorBytes) || hasUdfDescriptors(head, 4096),
  *examine() {
    const { size } = yield* atEnd();
    return { virtualSize: yield* claim(size, 'data') };
  },
};

function hasUdfDescriptors(head: Uint8Array, step: number): boolean {
  for (let at = firstDescriptor; at + 6 <= head.length; at += step) {
    const id = latin1(head, at + 1, at + 6);
    if (id === 'NSR02' || id === 'NSR03') return true;
    if (id !== 'BEA01' && id !== 'CD001') return false;
  }
  return false;
}

interface Volume {
  readonly blocks: number;
  readonly blockSize: number;
}

/** From the primary descriptor, which need not be the first. */
function* readVolume() {
  let volume: Volume | null = null;
  let bootable = false;
  let label = '';
  for (let index = 0; index < mostDescriptors; index += 1) {
    const descriptor: Uint8Array = yield* readSome(
      firstDescriptor + index * descriptorBytes,
      descriptorBytes,
    );
    if (!textAt(descriptor, 1, 'CD001') || descriptor[0] === 255 || descriptor.length < descriptorBytes)
      break;
    if (textAt(descriptor, 7, 'EL TORITO') && descriptor[0] === 0) bootable = true;
    if (descriptor[0] !== 1) continue;
    const found = readPrimary(descriptor);
    if (volume !== null && (volume.blocks !== found.blocks || volume.blockSize !== found.blockSize))
      throw unsafe('its ISO 9660 header has two primary volumes that differ');
    volume = found;
    label = latin1(descriptor, 40, 72)
      .replace(/[^\x20-\x7e]/g, '?')
      .trim();
  }
  if (volume === null) throw unsafe('its ISO 9660 header has no primary volume descriptor');
  return { ...volume, facts: { label, bootable } };
}

function readPrimary(descriptor: Uint8Array): Volume {
  const blocks = u32le(descriptor, 80);
  if (blocks !== u32be(descriptor, 84)) throw unsafe('its ISO 9660 header states two different sizes');
  const blockSize = u16le(descriptor, 128);
  if (blockSize !== 2048 && blockSize !== 1024 && blockSize !== 512)
    throw unsafe(`the block size of its ISO 9660 header is ${blockSize}`);
  return { blocks, blockSize };
}
