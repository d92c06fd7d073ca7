/** Turns the data of an image into the format that its export is to have. */
import { Failure } from '../../base/failure.ts';
import type { TargetFormat } from '../../inspection/qemu-img.ts';
import type { ActionParts } from '../parts.ts';
import { convertOne } from './convert.ts';
import type { Made } from './derived.ts';
import { type Kept, keepExported } from './keep-exported.ts';
import { type ReadOut, readExportedName } from './read-exported.ts';

export const convertExportedName = 'convert';

export type Converted = Kept & Made;

export function convertExported(parts: ActionParts) {
  return keepExported<Made>(parts, convertExportedName, async ({ context, input, key, reserve }) => {
    const read = context.resultOf<ReadOut>(readExportedName)!;
    const refining = { ...parts.refining, sandbox: await parts.converter() };
    const made = await convertOne(
      { ...parts, refining },
      {
        context,
        image: read,
        path: parts.stores.staging.pathOf(read.key),
        size: read.size,
        key,
        refinement: { convertTo: input.to as TargetFormat, compress: refining.compress },
        reserve,
      },
    );
    if (made !== null) return made;
    throw new Failure('conversion_failed', 'The image is encrypted: only who has its key can convert it.');
  });
}
