/** Renders `docs/reference/formats.md`: what is recognised, what is refused, and where that differs from Glance. */
import { type FormatName, formats } from '@tintype/inspector';
import { page, table } from './markdown.ts';

interface Description {
  readonly mark: string;
  readonly virtualSize: string;
  readonly refused: string;
}

/** `raw` is what nothing else claims. */
const descriptions: Readonly<Partial<Record<FormatName, Description>>> = {
  qcow2: {
    mark: '`QFI` FB, version 2 or 3',
    virtualSize: 'header',
    refused:
      'backing file, external data file (bit or extension), unknown features, AES, unknown compression, any field out of QEMU’s range, tables that overlap, an extension twice or beyond the first cluster, a size of 2^53 or more',
  },
  qcow1: {
    mark: '`QFI` FB, version 1',
    virtualSize: '',
    refused: 'always: obsolete, can name a backing file',
  },
  qed: { mark: '`QED` 00', virtualSize: '', refused: 'always: obsolete, can name a backing file' },
  vmdk: {
    mark: '`KDMV`, `COWD`, CAFEBABE, or a text descriptor',
    virtualSize: 'header, and footer where there is one',
    refused:
      'anything but monolithicSparse and streamOptimized in one file, a parent, more than one extent, an extent with a path, a key given twice in any case, a footer that disagrees, capacity 0',
  },
  vhd: {
    mark: '`conectix` in front (dynamic) or 512 bytes before the end (fixed)',
    virtualSize: 'current size in the footer',
    refused:
      'differencing and unknown types, wrong checksums, copies of the footer that differ, blocks over the tables, more than 2040 GiB; damaged: blocks beyond the end, no footer',
  },
  vhdx: {
    mark: '`vhdxfile`',
    virtualSize: 'metadata region',
    refused:
      'a parent, no valid header, a broken region table, two region tables that differ, unknown required regions or items, metadata that stand before what points at them, more than 64 TiB',
  },
  vdi: {
    mark: 'BEDA107F at 64',
    virtualSize: 'header',
    refused:
      'undo and differencing images, a parent or link, other versions, a block table too small or over the data',
  },
  ploop: {
    mark: '`WithoutFreeSpace` or `WithouFreSpacExt`',
    virtualSize: 'header',
    refused: 'other versions than 2, a block table too small or over the data',
  },
  luks: {
    mark: '`LUKS` BA BE, version 1 or 2',
    virtualSize: 'from the payload to the end, or the segment’s size',
    refused: 'a payload elsewhere or over the header; damaged: a payload beyond the end',
  },
  iso: {
    mark: '`CD001` at 32769',
    virtualSize: 'blocks of the primary volume',
    refused: 'no primary volume, two sizes that differ; damaged: more blocks than there are bytes',
  },
  udf: { mark: '`BEA01`, then `NSR02` or `NSR03`', virtualSize: 'the data’s', refused: 'never by itself' },
  tar: {
    mark: '`ustar` at 257 and a right checksum',
    virtualSize: 'with an OVF descriptor (ova): the sum of its disks',
    refused:
      'as an ova: an unsafe disk in it, names that reach outside, links, devices, names twice, sizes given twice, references to what is no plain disk in it, a document type in the XML, more than 256 files; damaged: a wrong digest in the manifest, a cut file',
  },
  ovf: {
    mark: 'XML with an `Envelope` of OVF',
    virtualSize: 'the sum of the capacities',
    refused:
      'references to what is no plain name of a disk, a document type or entities, another encoding than UTF-8',
  },
  gzip: {
    mark: '1F 8B 08',
    virtualSize: 'not known',
    refused:
      'what is unsafe or packed again in the first 64 KiB inside; damaged: broken or, if it is short, cut',
  },
  xz: { mark: 'FD `7zXZ` 00', virtualSize: 'not known', refused: 'never by itself' },
  zstd: { mark: '28 B5 2F FD', virtualSize: 'not known', refused: 'never by itself' },
  bzip2: { mark: '`BZh`', virtualSize: 'not known', refused: 'never by itself' },
  lha: { mark: '`-lh?-` at 2', virtualSize: 'not known', refused: 'a name that reaches outside' },
  zip: {
    mark: '`PK` 03 04',
    virtualSize: 'not known',
    refused:
      'what is unsafe in the first 64 KiB inside, a name that reaches outside, two names for one file, a link; unfit: encrypted, more than one file, a folder',
  },
  kernel: { mark: '`HdrS` at 514, `ARM` 64 or `RSC` 05 at 56', virtualSize: 'the data’s', refused: 'never' },
  cpio: { mark: '`070701` or `070702`', virtualSize: 'the data’s', refused: 'never' },
  ext: { mark: '53 EF at 1080', virtualSize: 'the data’s', refused: 'never' },
  gpt: {
    mark: '`EFI PART` at 512 or 4096',
    virtualSize: 'the data’s',
    refused: 'never: a bad table is warned of',
  },
  mbr: {
    mark: '55 AA at 510, and no boot sector of NTFS, exFAT or FAT, and no kernel',
    virtualSize: 'the data’s',
    refused: 'never: a bad table is warned of',
  },
};

const unpacked: readonly (readonly [string, string, string])[] = [
  ['`gzip`', 'the server', 'broken, cut, followed by anything but zeros'],
  ['`zstd`', 'the server', 'broken, cut, followed by anything but frames'],
  ['`zip`', 'the server', 'broken, encrypted, more or other than one plain file, a wrong checksum or size'],
  [
    '`xz`',
    '`xz` in the sandbox',
    'broken, cut, followed by anything but streams, a dictionary of more than 512 MiB',
  ],
  ['`bzip2`', '`bzip2` in the sandbox', 'broken, cut, followed by anything but streams'],
  ['`lha`', '`lhasa` in the sandbox', 'broken, cut, more than one file, a wrong checksum or size'],
];

const stricter: readonly (readonly [string, string])[] = [
  [
    'Containers other than `bare` are looked into',
    'Glance takes them unread; whoever unpacks them opens what is inside',
  ],
  [
    'A container that is known to hold something else is refused',
    'what no format claims still passes, as with Glance',
  ],
  [
    'qcow2 of 200 bytes with a backing file is refused',
    'QEMU opens it; Glance waits for 512 bytes and calls it raw',
  ],
  [
    'qcow2 with a `DATA` extension without its bit, with fields out of range, or of 2^63 bytes and more is refused',
    'Glance looks at none of them',
  ],
  ['qcow2 with AES encryption is refused', 'it is broken, and QEMU no longer opens it'],
  [
    'VMDK keys count in any case, wherever they stand, up to the first NUL',
    'QEMU takes the first exact match, Glance the last in lower case: a flat extent got between them',
  ],
  ['VMDK with `parentFileNameHint` is refused', 'Glance passes it, and the hypervisor opens the parent'],
  [
    'VMDK with a footer that claims another size than its header is refused',
    'the footer counts; Glance reads the header',
  ],
  ['Text descriptors with bytes above 127 are known as VMDK', 'Glance calls them raw'],
  [
    'VHD is sized by its current size, and checksums, copies and block table are checked',
    'Glance reads the original size, which a resized or lying file has wrong',
  ],
  ['VHD and VHDX with a parent are refused', 'Glance passes them'],
  ['VDI is checked at all', 'Glance reads its size only'],
  [
    'ISO and tar that are also qcow2, VMDK, LUKS or each other are refused',
    'two tools would open two things',
  ],
  ['ISO larger than the data is refused', 'it is cut, or lies about its size'],
  ['LUKS with a payload elsewhere or beyond the end is refused', 'Glance reports a negative size'],
  ['The size that a guest sees has a limit: `images.virtualSizeCap`', '384 KiB of qcow2 can claim 1 TiB'],
  [
    'What an image becomes when it is unpacked or converted has limits, of bytes and of times its size',
    'Glance has none: 1 MiB of gzip fills 1 GiB, 384 KiB of qcow2 a TiB',
  ],
  ['A conversion that changes what a guest sees fails', 'Glance takes what qemu-img made'],
];

const kinder: readonly (readonly [string, string])[] = [
  [
    'NTFS, FAT and exFAT volumes, floppies and kernels pass as raw',
    '55 AA proves no partition table; Glance refuses them for a bad one',
  ],
  [
    'Hybrid MBRs, empty tables and odd boot flags pass with a warning',
    'a bad table harms the guest alone, and installers make such',
  ],
  ['GPT for sectors of 4096 bytes is known', 'Glance looks at 512 only'],
  ['Fixed VHD passes as vhd, and as raw', 'its footer stands at the end, where Glance does not look'],
  ['UDF without ISO 9660 passes as iso', 'Glance looks for it in one sector only and calls it raw'],
  ['qcow2 with extended L2 entries passes', 'legal since QEMU 5.2'],
  [
    'qcow2 of version 2 with any header extension passes',
    'Glance takes its bytes for feature bits of version 3',
  ],
  ['LUKS version 2 and ploop are known and sized', 'Glance has no inspector for them'],
  ['xz, zstd and bzip2 are unpacked', 'Glance knows gzip, zip and lha'],
  ['A plain disk declared as container `ovf` passes', 'instructions of many years said so'],
];

const kinds: readonly (readonly [string, string, string])[] = [
  [
    'unsafe',
    'reaches outside itself, can be taken for two things, or is nonsense to any honest reader',
    '`unsafe_image`, whatever is declared',
  ],
  ['too_large', 'its disk is larger than the limit', '`virtual_size_cap`'],
  [
    'damaged',
    'incomplete or inconsistent, not dangerous',
    '`format_mismatch`, unless declared as raw or `images.requireFormatMatch` is off',
  ],
  ['unfit', 'sound, but no image can be made of it', 'as damaged'],
];

export function renderFormats(): string {
  const rows = formats.map(({ name, title, memory }) => {
    const { mark, virtualSize, refused } = descriptions[name]!;
    return [`\`${name}\``, title, mark, virtualSize, refused, `${Math.ceil(memory / 1024)}`];
  });
  return page([
    '# Formats',
    'Every upload is inspected as it passes; `tintype inspect` gives the same verdict of a file, a pipe or an address, without a server; `@tintype/inspector` gives it in any program, browser or Node.',
    '## Recognised',
    'The columns are the format’s name in verdicts, how messages call it, its mark, where the size comes from that a guest sees, why it is refused, and the KiB kept at most beside the first 64 and the last 4. What none claims is `raw`; pictures, videos, programs and documents have a name in messages only.',
    table(['Name', 'Called', 'Mark', 'Virtual size', 'Refused', 'KiB'], rows),
    'Data with the marks of two formats is refused, but for: an ISO that is UDF or has a partition table; a raw disk with any of `kernel`, `cpio`, `ext`, `mbr`, `gpt`; a fixed VHD of such a disk. qcow2, VMDK, VHD, VHDX, VDI, ploop and tar have zeros where 55 AA would stand: with it they are refused.',
    '## Verdicts',
    table(['Verdict', 'Means', 'An upload fails with'], kinds),
    '## What is declared',
    'With `images.requireFormatMatch`, which is the default, `disk_format` must be what the bytes are. `raw` may be anything but a layer over a disk: not qcow2, VMDK, VHD with its header in front, VHDX, VDI, ploop. `iso` is ISO 9660 or UDF; `ami`, `ari`, `aki` and formats of the operator’s own are neither a layer nor an ISO. An archive or compressed data declared as a raw disk is kept as it is and not looked into.',
    'Of containers, `ova` is a tar with an OVF descriptor, `ovf` a descriptor, a tar or a plain disk, `docker` a tar, packed or not, `compressed` one of the six packed formats. What none of the formats claims passes in any container.',
    '## Stricter than Glance',
    table(['What', 'Why'], stricter),
    '## Kinder than Glance',
    table(['What', 'Why'], kinder),
    '## What an import makes of it',
    'With `import.decompress` what is packed is unpacked on its way into the stores, and with `import.convertTo`, or `convertTo` of a store, disks become what the operator wants; `import.stripSnapshots` takes earlier states out of a qcow2: [operations/conversion.md](../operations/conversion.md). The upload (`PUT /v2/images/{id}/file`) never changes a byte.',
    table(['Packed as', 'Unpacked by', 'Refused when it is unpacked'], unpacked),
    'Disks are converted from raw, qcow2, VMDK, VHD, VHDX, VDI and ploop to raw, qcow2, VMDK (streamOptimized) or VHD (dynamic), when they stand in the container `bare` and are not encrypted. ISO images and the formats of Amazon stay as they are.',
    '## What only the whole tells',
    'A passing stream does not show whether allocation tables make sense (but for VHD), what a guest sees in its first sector, or how large compressed data becomes. Of compressed data the first 64 KiB inside are looked at (gzip and zip), the rest when it is unpacked. A disk within a disk is the guest’s affair.',
  ]);
}
