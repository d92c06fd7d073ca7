/** Turns the disk of an image into the format that the operator wants. */
import { Failure } from '../../base/failure.ts';
import type { Image } from '../../images/image.ts';
import { convertDisk } from '../../inspection/convert.ts';
import { inspectFile } from '../../inspection/inspect-file.ts';
import { canBeRead, type TargetFormat } from '../../inspection/qemu-img.ts';
import type { ActionParts } from '../parts.ts';
import type { Refinement } from '../refinement.ts';
import { type DeriveWork, derive } from './derive.ts';
import { copyStep, type Made } from './derived.ts';
import type { PlaceInput } from './place.ts';

/** Bytes that may be written for any image, however small it is. */
const alwaysAllowed = 256 * 1024 * 1024;

/** Only the formats of `image` are looked at, which are those of the data. */
export type ConvertWork = Omit<DeriveWork, 'image' | 'refinement'> & {
  readonly image: Pick<Image, 'disk_format' | 'container_format'>;
  readonly refinement: Pick<Refinement, 'convertTo' | 'compress' | 'stripSnapshots'>;
};

export function convertData<Input extends PlaceInput>(parts: ActionParts) {
  return derive<Input>(parts, 'convert', (work) => convertOne(parts, work));
}

/** For stores that want another format than that of the image. */
export function convertFor<Input extends PlaceInput>(
  parts: ActionParts,
  format: TargetFormat,
  isOptional: boolean,
) {
  const make = (work: DeriveWork) =>
    convertOne(parts, { ...work, refinement: { ...work.refinement, convertTo: format } });
  return derive<Input>(parts, copyStep({ format }), make, { isOptional });
}

/** Null: there is nothing to convert, or it cannot be. */
export async function convertOne(
  parts: Pick<ActionParts, 'settings' | 'refining' | 'stores'>,
  work: ConvertWork,
): Promise<Made | null> {
  const { context, image, path, size, key, refinement } = work;
  const from = image.disk_format!;
  const mayHaveSnapshots = refinement.stripSnapshots === true && from === 'qcow2';
  const to = refinement.convertTo ?? 'qcow2';
  const isOther = refinement.convertTo !== null && from !== to;
  if (image.container_format !== 'bare' || !canBeRead(from) || !(isOther || mayHaveSnapshots)) return null;
  const { settings, refining, stores } = parts;
  const seen = await inspectFile(path, {
    diskFormat: from,
    containerFormat: 'bare',
    requireMatch: true,
    virtualSizeCap: settings.virtualSizeCap,
  });
  // Only who has the secret can convert it.
  if (seen.encryption !== null && from !== 'raw') return null;
  if (from === to && seen.snapshots === 0) return null;
  const { sandbox, unpackRatio } = refining;
  if (sandbox === null)
    throw new Failure(
      'conversion_unavailable',
      `This server cannot convert ${from} to ${to}: it has no sandbox.`,
    );
  const virtualSize = seen.virtualSize ?? 0;
  if (to === 'raw') {
    requireBelow(settings.sizeCap, virtualSize);
    await work.reserve(virtualSize);
  }
  let disk_sha256 = '';
  const made = await stores.staging.make(key, async (result) => {
    const converted = await convertDisk(sandbox, {
      from: { path, format: from },
      seen,
      to: { path: result, format: to },
      compress: refinement.compress,
      mostWritten: Math.min(settings.sizeCap, Math.max(alwaysAllowed, size * unpackRatio)),
      scratch: (inner) => stores.staging.scratch(inner),
      signal: context.signal,
      tell: (part) => context.progress(Math.floor(virtualSize * part), virtualSize),
    });
    disk_sha256 = converted.diskDigest;
  });
  requireBelow(settings.sizeCap, made.size);
  const how = from === to ? 'without its snapshots' : `converted from ${from} to ${to}`;
  return { disk_format: to, container_format: 'bare', size: made.size, how, disk_sha256, properties: {} };
}

function requireBelow(cap: number, size: number): void {
  if (size <= cap) return;
  throw new Failure('size_cap', `The converted image has ${size} bytes, more than the limit of ${cap}.`);
}
