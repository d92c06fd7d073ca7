/** Turns the disk that an active image has into another format, for a copy of it. */
import { open } from 'node:fs/promises';
import { Failure } from '../../base/failure.ts';
import type { Step, StepContext } from '../../flows/flow.ts';
import type { Image } from '../../images/image.ts';
import { mebibytes, requireRoom } from '../../images/quota-check.ts';
import { readImage } from '../../images/read-image.ts';
import { activeLocations } from '../../locations/location-records.ts';
import { nearestFirst } from '../../locations/reading-order.ts';
import { onHeldImage } from '../import-book.ts';
import type { ActionParts } from '../parts.ts';
import { convertOne } from './convert.ts';
import { type DeriveWork, derive, type Origin } from './derive.ts';
import type { Made } from './derived.ts';
import type { PlaceInput } from './place.ts';

export function convertOwn(parts: ActionParts): Step<PlaceInput> {
  const make = (work: DeriveWork) => convert(parts, work);
  return derive<PlaceInput>(parts, 'convert', make, { origin: ownData(parts) });
}

async function convert(parts: ActionParts, work: DeriveWork): Promise<Made> {
  const sandbox = await parts.converter();
  if (sandbox === null)
    throw new Failure('conversion_unavailable', 'This server cannot convert images: it has no sandbox.');
  const refining = { ...parts.refining, sandbox };
  const made = await convertOne({ ...parts, refining }, work);
  if (made !== null) return made;
  const { disk_format } = work.image;
  throw new Failure('conversion_failed', `The image, which is ${disk_format}, cannot be converted.`);
}

/** The data where the image has it, found to be what is recorded before any program opens it. */
function ownData(parts: ActionParts): Origin {
  const { stores, quotas } = parts;
  return {
    async onFile(context, image, work) {
      const size = image.size ?? 0;
      if (size === 0) return await work({ path: '', size });
      return await stores.staging.scratch(async (path) => {
        await fetchOwn(parts, context, image, path);
        return await work({ path, size });
      });
    },
    async reserve(context, { id, owner }, size) {
      const limits = await quotas.of(owner);
      await onHeldImage(parts, context, id, (queries) =>
        requireRoom(queries, limits, owner, { image_stage_total: mebibytes(size) }),
      );
    },
  };
}

async function fetchOwn(parts: ActionParts, context: StepContext, image: Image, path: string): Promise<void> {
  const locations = await activeLocations(parts.database.db, image.id);
  const copies = nearestFirst(parts.stores, locations, [], image.size!);
  await using file = await open(path, 'w');
  let done = 0;
  for await (const chunk of await readImage(parts, image, copies, null, true)) {
    context.signal.throwIfAborted();
    await file.writeFile(chunk);
    done += chunk.length;
    context.progress(done, image.size!);
  }
}
