/** Has the data at a new location read in the background, and told of among the tasks of its image. */
import { randomUUID } from 'node:crypto';
import type { Queries } from '../database/queries.ts';
import type { Caller } from '../identity/caller.ts';
import type { Location } from '../locations/location-records.ts';
import { insertCheck } from './check-records.ts';
import type { Image } from './image.ts';
import type { ValidationData } from './offered-location.ts';
import type { Signer } from './signing/signer.ts';
import { insertTask } from './task-records.ts';

export interface BeginCheckInput {
  readonly location: Pick<Location, 'id' | 'store'>;
  /** What the data must be besides what the image says. */
  readonly validation: ValidationData | undefined;
  /** Of an image that had no data before. */
  readonly signer: Signer | null;
  readonly requestId: string;
}

/** In the transaction that records the location; wake the checks afterwards. */
export async function beginCheck(
  queries: Queries,
  caller: Caller,
  image: Pick<Image, 'id' | 'owner'>,
  { location, validation, signer, requestId }: BeginCheckInput,
): Promise<void> {
  const id = randomUUID();
  await insertTask(queries, {
    id,
    type: 'location_import',
    owner: image.owner,
    image_id: image.id,
    user_id: caller.userId,
    request_id: requestId,
    input: {
      backend: [location.store],
      ...(validation === undefined ? {} : { validation_data: validation }),
    },
    message: 'Reading the data',
  });
  await insertCheck(queries, {
    id,
    image_id: image.id,
    location_id: location.id,
    algorithm: validation?.os_hash_algo ?? null,
    digest: validation?.os_hash_value ?? null,
    signer,
  });
}
