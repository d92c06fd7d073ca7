/** Whether data is what its uploader declared, container and disk. */
import type { FormatName } from '@tintype/inspector';

export interface Declared {
  readonly diskFormat: string;
  readonly containerFormat: string;
}

const layered: readonly string[] = ['qcow2', 'qcow1', 'qed', 'vmdk', 'vhd', 'vhdx', 'vdi', 'ploop'];
const optical: readonly string[] = ['iso', 'udf'];
const packed: readonly string[] = ['gzip', 'xz', 'zstd', 'bzip2', 'lha', 'zip'];
/** What is kept as it is when it is uploaded as a disk: nobody unpacks it. */
const opaque: readonly string[] = [...packed, 'tar', 'ova', 'docker', 'ovf'];
const unclaimed: readonly string[] = ['raw', 'mbr', 'gpt', 'kernel', 'cpio', 'ext'];
/** Disk formats that the bytes themselves show. */
const shownByBytes: readonly string[] = [...layered, 'iso', 'luks'];

/** What a container of this name holds when it holds anything known; one that is not named here may hold anything. */
const containers: ReadonlyMap<string, readonly string[]> = new Map([
  ['ova', ['ova']],
  ['ovf', ['ovf', 'ova', 'tar']],
  ['docker', ['docker', 'tar', ...packed]],
  ['compressed', packed],
]);

/** Glance: the containers of Amazon hold a plain file, too; and ovf was for years declared for plain disks. */
const amazon: readonly string[] = ['ami', 'ari', 'aki'];
const plain: readonly string[] = ['bare', ...amazon];

/** A disk as such, and nothing that holds one. */
export function isPlain({ containerFormat }: Declared): boolean {
  return plain.includes(containerFormat);
}

/** Whether data that is, or also is, `formats` may be declared so. An archive is a `tar` until its end tells more. */
export function satisfies(declared: Declared, formats: readonly FormatName[]): boolean {
  const { containerFormat } = declared;
  if (amazon.includes(containerFormat) && isUnclaimed(formats)) return true;
  if (isPlain(declared)) return isDisk(declared, formats);
  // Glance: takes containers unread; here only what is known to be something else is no match.
  const allowed = containers.get(containerFormat);
  if (allowed === undefined || isUnclaimed(formats)) return true;
  if (formats.some((format) => allowed.includes(format))) return true;
  return containerFormat === 'ovf' && isDisk(declared, formats);
}

/** As `satisfies`, before the end has been seen. */
export function maySatisfy(declared: Declared, formats: readonly FormatName[]): boolean {
  const mayBeVhd =
    declared.diskFormat === 'vhd' &&
    !formats.some((format) => opaque.includes(format) || shownByBytes.includes(format));
  if (mayBeVhd && (isPlain(declared) || declared.containerFormat === 'ovf')) return true;
  return satisfies(declared, formats.includes('tar') ? [...formats, 'ova'] : formats);
}

/** Whether the data has no mark but such as any bytes may have. */
export function isUnclaimed(formats: readonly FormatName[]): boolean {
  return formats.every((format) => unclaimed.includes(format));
}

function isDisk({ diskFormat }: Declared, formats: readonly FormatName[]): boolean {
  const isLayered = formats.some((format) => layered.includes(format)) && !formats.includes('raw');
  if (diskFormat === 'raw') return !isLayered;
  if (diskFormat === 'iso') return formats.some((format) => optical.includes(format));
  if (shownByBytes.includes(diskFormat)) return (formats as readonly string[]).includes(diskFormat);
  // Those of Amazon say what a guest boots, and others are the operator's own: neither has a mark.
  return !isLayered && !formats.some((format) => optical.includes(format));
}

/** Whether what is inside does not matter, as it is kept as a disk that only happens to be an archive. */
export function isOpaque(declared: Declared, formats: readonly FormatName[]): boolean {
  return isPlain(declared) && formats.length > 0 && formats.every((format) => opaque.includes(format));
}
