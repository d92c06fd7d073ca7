/** Looks at all the data before any of it goes into a store: is it what was asked for, is it an image, is it safe. */
import type { Recognition } from '@tintype/inspector';
import { Measure } from '../../base/measure.ts';
import type { Step, StepContext } from '../../flows/flow.ts';
import type { Image } from '../../images/image.ts';
import { headOf, seenAsDisk } from '../../inspection/disk-format.ts';
import { packingOf } from '../../inspection/unpacking/unpack.ts';
import { onHeldImage, writeBook } from '../import-book.ts';
import type { ActionParts } from '../parts.ts';
import { inspectorFor } from './inspected.ts';
import type { PlaceInput, Source } from './place.ts';
import { staged } from './staged.ts';

export const verifyName = 'verify';

export type VerifyInput = PlaceInput & {
  /** Bytes that the data must have; null: any number. */
  readonly size: number | null;
  /** Algorithm → hex digest that the data must have. */
  readonly digests: { readonly [algorithm: string]: string };
};

export function verify<Input extends VerifyInput>(parts: ActionParts): Step<Input> {
  return {
    name: verifyName,
    async do(context, input) {
      const held = await onHeldImage(parts, context, input.image, async (_queries, image) => image);
      const source = await staged(parts, [])(held, context);
      const isDisk = held.container_format === 'bare' && parts.settings.requireFormatMatch;
      const seen = isDisk ? await headOf(bytesOf(source)) : null;
      let image: Image | null = held;
      // What is in something packed is looked at when it comes out.
      if (seen !== null) image = isUnpacked(input, seen) ? null : await asDisk(parts, context, seen, held);
      await measureSource(parts, context, input, image, source);
    },
  };
}

function isUnpacked({ refinement }: PlaceInput, seen: Recognition): boolean {
  return refinement?.unpack === true && packingOf(seen) !== null;
}

/** With the format that the data shows, when nobody said which it has. */
async function asDisk(
  parts: ActionParts,
  context: StepContext,
  seen: Recognition,
  held: Image,
): Promise<Image> {
  const disk_format = seenAsDisk(seen, held.disk_format);
  if (disk_format === held.disk_format) return held;
  return await onHeldImage(parts, context, held.id, async (queries, image, book) => {
    const known = { ...image, disk_format };
    await writeBook(queries, known, book);
    return known;
  });
}

/** `image` null: only whether the data is what was announced. Fails as an upload does. */
export async function measureSource(
  parts: ActionParts,
  context: StepContext,
  { size, digests }: Pick<VerifyInput, 'size' | 'digests'>,
  image: Image | null,
  source: Source,
): Promise<void> {
  const measure = new Measure({
    cap: parts.settings.sizeCap,
    expectedSize: size,
    hashAlgorithm: null,
    md5: false,
    expectedDigests: digests,
    ...(image === null ? {} : { observe: inspectorFor(parts, image) }),
  });
  for await (const _chunk of measure.through(bytesOf(source))) {
    context.signal.throwIfAborted();
    context.progress(measure.size, source.size);
  }
}

async function* bytesOf(source: Source): AsyncGenerator<Uint8Array> {
  if (source.size > 0) yield* await source.open();
}
