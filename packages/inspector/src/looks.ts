/** Names for what data looks like, above all for what is no disk image but gets uploaded by mistake: for messages only. */
import { latin1, textAt, u16le, u32le } from './bytes.ts';
import type { Format } from './examination.ts';

const signatures: readonly (readonly [offset: number, bytes: string, name: string])[] = [
  [0, '%PDF-', 'a PDF document'],
  [0, '\x7fELF', 'an ELF program'],
  [0, '\xfe\xed\xfa\xce', 'a macOS program'],
  [0, '\xfe\xed\xfa\xcf', 'a macOS program'],
  [0, '\xce\xfa\xed\xfe', 'a macOS program'],
  [0, '\xcf\xfa\xed\xfe', 'a macOS program'],
  [0, '\xca\xfe\xba\xbe', 'a Java class or macOS program'],
  [0, '\0asm', 'a WebAssembly module'],
  [0, '\x89PNG\r\n\x1a\n', 'a PNG picture'],
  [0, '\xff\xd8\xff', 'a JPEG picture'],
  [0, 'GIF8', 'a GIF picture'],
  [0, 'II*\0', 'a TIFF picture'],
  [0, 'MM\0*', 'a TIFF picture'],
  [0, '\x1aE\xdf\xa3', 'a Matroska or WebM video'],
  [0, '\0\0\x01\xba', 'an MPEG video'],
  [0, 'OggS', 'an Ogg audio or video file'],
  [0, 'fLaC', 'a FLAC audio file'],
  [0, 'ID3', 'an MP3 audio file'],
  [0, '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'a Microsoft Office document'],
  [0, 'SQLite format 3\0', 'an SQLite database'],
  [0, '!<arch>\n', 'a Debian package or static library'],
  [0, '\xed\xab\xee\xdb', 'an RPM package'],
  [0, '7z\xbc\xaf\x27\x1c', 'a 7-Zip archive'],
  [0, 'Rar!\x1a\x07', 'a RAR archive'],
  [0, 'MSCF', 'a Windows cabinet archive'],
  [0, 'MSWIM\0\0\0', 'a Windows imaging file (WIM)'],
  [0, '\x04\x22\x4d\x18', 'LZ4-compressed data'],
  [0, 'LZIP', 'lzip-compressed data'],
  [0, '\x1f\x9d', 'compress-ed data (.Z)'],
  [0, 'EVF\t\r\n\xff\0', 'an EnCase evidence file'],
  [0, 'AFF10', 'an AFF evidence file'],
  [0, 'QEVM', 'a saved state of QEMU'],
  [0, 'PMDMP', 'a Windows crash dump'],
  [0, 'hsqs', 'a SquashFS file system'],
  [0, 'sqsh', 'a SquashFS file system'],
  [0, 'XFSB', 'an XFS file system'],
  [512, 'LABELONE', 'an LVM volume'],
  [4086, 'SWAPSPACE2', 'a swap area'],
  [0, '-----BEGIN ', 'a PEM key or certificate'],
  [0, '#!', 'a script'],
];

/** By the four letters after `ftyp`. */
const brands: readonly (readonly [RegExp, string])[] = [
  [/^qt /, 'a QuickTime video'],
  [/^M4A/, 'an MPEG-4 audio file'],
  [/^(heic|heix|mif1)/, 'a HEIC picture'],
  [/^avif/, 'an AVIF picture'],
];

const riffs: Readonly<Record<string, string>> = {
  'AVI ': 'an AVI video',
  WAVE: 'a WAV audio file',
  WEBP: 'a WebP picture',
};

/** What data whose first bytes are `head` looks like; `matching` are the formats recognised in it. */
export function lookOf(head: Uint8Array, matching: readonly Format[]): string {
  const strong = matching.find(({ role }) => role !== 'hint' && role !== 'partitions');
  if (strong !== undefined) return strong.title;
  const weak = matching.find(({ role }) => role === 'hint') ?? matching[0];
  const signature = signatures.find(([offset, bytes]) => textAt(head, offset, bytes));
  if (signature !== undefined) return signature[2];
  return lookOfMedia(head) ?? weak?.title ?? lookOfProgram(head) ?? bootSectorOf(head) ?? lookOfText(head);
}

/** What only the last bytes show, or null. */
export function lookOfTail(tail: Uint8Array): string | null {
  return textAt(tail, tail.length - 512, 'koly') ? 'a macOS disk image (DMG)' : null;
}

function lookOfMedia(head: Uint8Array): string | null {
  if (textAt(head, 4, 'ftyp')) {
    const brand = latin1(head, 8, 12);
    return brands.find(([pattern]) => pattern.test(brand))?.[1] ?? 'an MP4 video';
  }
  return textAt(head, 0, 'RIFF') ? (riffs[latin1(head, 8, 12)] ?? null) : null;
}

function lookOfProgram(head: Uint8Array): string | null {
  return textAt(head, 0, 'MZ') && textAt(head, u32le(head, 60), 'PE\0\0') ? 'a Windows program' : null;
}

export function isLinuxKernel(head: Uint8Array): boolean {
  return textAt(head, 514, 'HdrS') || textAt(head, 56, 'ARM\x64') || textAt(head, 56, 'RSC\x05');
}

/** A file system whose first sector ends in 55 AA without being a partition table, or null. */
export function bootSectorOf(head: Uint8Array): string | null {
  if (u16le(head, 510) !== 0xaa55 || (head[0] !== 0xeb && head[0] !== 0xe9)) return null;
  if (textAt(head, 3, 'NTFS    ')) return 'an NTFS volume';
  if (textAt(head, 3, 'EXFAT   ')) return 'an exFAT volume';
  const sectorSize = u16le(head, 11);
  const clusterSectors = head[13]!;
  const isFat =
    [512, 1024, 2048, 4096].includes(sectorSize) &&
    clusterSectors > 0 &&
    (clusterSectors & (clusterSectors - 1)) === 0 &&
    (head[16] === 1 || head[16] === 2) &&
    (head[21] === 0xf0 || head[21]! >= 0xf8);
  return isFat ? 'a FAT volume' : null;
}

function lookOfText(head: Uint8Array): string {
  const text = latin1(head, 0, 512)
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart();
  if (text === '' || /[^\t\r\n\x20-\x7e\x80-\xff]/.test(text)) return 'raw data';
  if (/^<(!doctype html|html|head|body)/i.test(text)) return 'an HTML page';
  if (text.startsWith('<')) return 'an XML document';
  if (/^[[{]/.test(text)) return 'a JSON document';
  return /^[\t\r\n\x20-\x7e]+$/.test(text) ? 'plain text' : 'raw data';
}
