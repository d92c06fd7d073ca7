/** What becomes of the record when the steps of an import have made other data of what arrived. */
import type { Json, StepContext } from '../../flows/flow.ts';
import type { Image } from '../../images/image.ts';
import { allDerived, derivedFor, lastDerived } from './derived.ts';
import { type Placed, type PlaceInput, placeStep } from './place.ts';

/** The record follows what has become of the data. */
export function refined(
  context: StepContext,
  { refinement = null }: PlaceInput,
  image: Image,
  placed: Placed,
): Image {
  const told = allDerived(context).map((derived) => derived.properties);
  const properties = Object.assign({}, image.properties, ...told, refinement?.inject);
  const derived = lastDerived(context);
  if (derived === null) return { ...image, properties };
  const { disk_format, container_format } = derived;
  const min_disk = Math.max(image.min_disk, Math.ceil((placed.virtual_size ?? 0) / 1024 ** 3));
  return { ...image, properties, disk_format, container_format, min_disk };
}

/** What the work says of itself in the end. */
export function toldOf(
  context: StepContext,
  { image, refinement }: Pick<PlaceInput, 'image' | 'refinement'>,
  { size }: Placed,
  verb: 'Imported' | 'Copied' = 'Imported',
): { readonly message: string; readonly result: { readonly [name: string]: Json } } {
  const all = allDerived(context);
  const copies = (refinement?.copies ?? []).flatMap((copy) => {
    const made = derivedFor(context, copy);
    const stores = copy.stores.filter((id) => context.resultOf(placeStep(id)) !== undefined);
    return made === null || stores.length === 0
      ? []
      : [{ ...made, how: `${made.how} for ${stores.join(', ')}` }];
  });
  const digests = [...copies, ...all].map(({ disk_sha256 }) => disk_sha256);
  const digest = digests.findLast((one) => one !== null) ?? null;
  return {
    message: [`${verb} ${size} bytes`, ...[...all, ...copies].map(({ how }) => how)].join(', '),
    result: { image_id: image, ...(digest === null ? {} : { disk_sha256: digest }) },
  };
}
