/** Which formats may be found together, and which of them satisfy a declared one. */
import { Failure } from '../base/failure.ts';
import { unsafe } from './formats/format.ts';

/** Formats that are a layer over a disk: a raw disk must not begin with their header. */
const layered: ReadonlySet<string> = new Set([
  'qcow2',
  'qcow1',
  'qed',
  'vmdk',
  'vhd',
  'vhdx',
  'vdi',
  'ploop',
]);
const optical: ReadonlySet<string> = new Set(['iso', 'udf']);
const partitioned: ReadonlySet<string> = new Set(['mbr', 'gpt']);
/** Formats that say what a guest boots, not how the bytes are laid out. */
const amazon: ReadonlySet<string> = new Set(['ami', 'ari', 'aki']);

/**
 * Fails with unsafe_image when the data could be taken for one thing here and for another there. An ISO
 * may be UDF and have a partition table; anything may stand beside 55 AA but a layered format, whose
 * headers have zeros there.
 */
export function refusePolyglot(found: readonly string[]): void {
  const isLayered = found.some((name) => layered.has(name));
  const counted = isLayered ? found : found.filter((name) => !partitioned.has(name));
  const kinds = new Set(counted.map((name) => (optical.has(name) ? 'optical' : name)));
  if (kinds.size > 1) throw unsafe(`the data looks like ${found.join(' and ')} at once`);
}

/** Fails with unsafe_image when a fixed VHD holds anything but a raw disk. */
export function refuseFixedVhdOf(found: readonly string[]): void {
  if (!maybeFixedVhd(found)) throw unsafe(`the data looks like ${found.join(' and ')} and vhd at once`);
}

/** Whether only the end of the data can tell that it is a fixed VHD. */
export function maybeFixedVhd(found: readonly string[]): boolean {
  return found.every((name) => partitioned.has(name));
}

/** Whether data in which `found` was recognised is what `declared` says. */
export function satisfies(declared: string, found: readonly string[]): boolean {
  const isLayered = found.some((name) => layered.has(name));
  if (declared === 'raw') return !isLayered;
  const isOptical = found.some((name) => optical.has(name));
  if (amazon.has(declared)) return !isLayered && !isOptical;
  if (declared === 'iso') return isOptical;
  return found.includes(declared);
}

/** `look` null: there are no data. */
export function mismatch(declared: string, look: string | null): Failure {
  const seen = look === null ? 'is empty' : `looks like ${look}`;
  return new Failure('format_mismatch', `The image is declared as ${declared}, but the data ${seen}.`);
}
