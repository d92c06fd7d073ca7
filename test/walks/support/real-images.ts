/** Real disk images: from Debian's packages, and made of them by qemu-img and genisoimage. */
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { installerFolder, rescueFolder } from './packages.ts';
import { run } from './run.ts';

export interface RealImage {
  readonly name: string;
  readonly file: string;
  readonly diskFormat: string;
  readonly containerFormat: string;
  /** What qemu-img calls the format; null for what is no disk. */
  readonly qemuFormat: string | null;
}

const cdrom = path.join(rescueFolder, 'grub-rescue-cdrom.iso');
const floppy = path.join(rescueFolder, 'grub-rescue-floppy.img');

export const rescueCdrom: RealImage = {
  name: 'grub-rescue-cdrom',
  file: cdrom,
  diskFormat: 'iso',
  containerFormat: 'bare',
  qemuFormat: 'raw',
};

export const rescueFloppy: RealImage = {
  name: 'grub-rescue-floppy',
  file: floppy,
  diskFormat: 'raw',
  containerFormat: 'bare',
  qemuFormat: 'raw',
};

/** What qemu-img makes of the CD. */
const conversions: readonly (readonly [
  name: string,
  diskFormat: string,
  qemuFormat: string,
  options: string,
])[] = [
  ['qcow2', 'qcow2', 'qcow2', ''],
  ['qcow2-old', 'qcow2', 'qcow2', 'compat=0.10'],
  ['vmdk-sparse', 'vmdk', 'vmdk', 'subformat=monolithicSparse'],
  ['vmdk-stream', 'vmdk', 'vmdk', 'subformat=streamOptimized'],
  ['vdi', 'vdi', 'vdi', ''],
  ['vhd-dynamic', 'vhd', 'vpc', 'subformat=dynamic'],
  ['vhdx', 'vhdx', 'vhdx', ''],
  ['raw', 'raw', 'raw', ''],
];

async function convert(folder: string, kind: (typeof conversions)[number]): Promise<RealImage> {
  const [name, diskFormat, qemuFormat, options] = kind;
  const file = path.join(folder, `grub-rescue.${name}`);
  const wishes = options === '' ? [] : ['-o', options];
  await run(['qemu-img', 'convert', '-f', 'raw', '-O', qemuFormat, ...wishes, cdrom, file]);
  return { name: `grub-rescue-${name}`, file, diskFormat, containerFormat: 'bare', qemuFormat };
}

/** A fixed VHD is the disk itself and a footer. Around a CD it would be two things at once, so this is one of a file system. */
async function fixedVhd(folder: string): Promise<RealImage> {
  const disk = path.join(folder, 'screens.raw');
  const file = path.join(folder, 'screens.vhd');
  await run([
    '/usr/sbin/mke2fs',
    '-q',
    '-t',
    'ext4',
    '-d',
    path.join(installerFolder, 'boot-screens'),
    disk,
    '8M',
  ]);
  await run([
    'qemu-img',
    'convert',
    '-f',
    'raw',
    '-O',
    'vpc',
    '-o',
    'subformat=fixed,force_size=on',
    disk,
    file,
  ]);
  return {
    name: 'boot-screens-vhd-fixed',
    file,
    diskFormat: 'vhd',
    containerFormat: 'bare',
    qemuFormat: 'vpc',
  };
}

/** The netboot package holds a kernel and a RAM disk, and no ISO image: this makes the one of its files. */
export async function installerIso(folder: string): Promise<RealImage> {
  const file = path.join(folder, 'debian-installer.iso');
  await run([
    'genisoimage',
    '-quiet',
    '-rational-rock',
    '-joliet',
    '-V',
    'INSTALLER',
    '-o',
    file,
    installerFolder,
  ]);
  return { ...rescueCdrom, name: 'debian-installer-iso', file };
}

async function installerImages(folder: string): Promise<RealImage[]> {
  const part = (name: string, kind: string) => ({
    name: `debian-installer-${name}`,
    file: path.join(installerFolder, name),
    diskFormat: kind,
    containerFormat: kind,
    qemuFormat: null,
  });
  return [await installerIso(folder), part('linux', 'aki'), part('initrd.gz', 'ari')];
}

/** All of them; what must be made goes to `folder`. */
export async function realImages(folder: string): Promise<RealImage[]> {
  const made: RealImage[] = [];
  for (const kind of conversions) made.push(await convert(folder, kind));
  return [rescueCdrom, rescueFloppy, ...made, await fixedVhd(folder), ...(await installerImages(folder))];
}

/** A qcow2 image that holds only what differs from another file. */
export async function overlay(folder: string): Promise<RealImage> {
  const file = path.join(folder, 'overlay.qcow2');
  await run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'raw', '-b', cdrom, file]);
  return { name: 'overlay', file, diskFormat: 'qcow2', containerFormat: 'bare', qemuFormat: 'qcow2' };
}

export interface Facts {
  readonly size: number;
  /** null for what is no disk. */
  readonly virtualSize: number | null;
  readonly md5: string;
  readonly sha512: string;
}

/** What the tools of the machine say about a file. */
export async function factsOf({ file, qemuFormat }: RealImage): Promise<Facts> {
  const digest = async (tool: string) => (await run([tool, file])).split(' ')[0]!;
  return {
    size: (await stat(file)).size,
    virtualSize: qemuFormat === null ? null : await virtualSizeOf(file, qemuFormat),
    md5: await digest('md5sum'),
    sha512: await digest('sha512sum'),
  };
}

async function virtualSizeOf(file: string, format: string): Promise<number> {
  const info = JSON.parse(await run(['qemu-img', 'info', '--output=json', '-f', format, file]));
  return info['virtual-size'];
}

/** Fails unless the file holds the same bytes and, for a disk, the same disk as the origin. */
export async function assertSame(file: string, origin: RealImage): Promise<void> {
  await run(['cmp', origin.file, file]);
  if (origin.qemuFormat === null) return;
  const report = await run([
    'qemu-img',
    'compare',
    '-f',
    origin.qemuFormat,
    '-F',
    origin.qemuFormat,
    origin.file,
    file,
  ]);
  assert.equal(report, 'Images are identical.\n');
}
