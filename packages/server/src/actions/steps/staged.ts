/** The source of bytes that wait in the staging area, in one part or in many, or of what was made of them. */
import { Failure } from '../../base/failure.ts';
import { type StagedPart, stagedParts } from '../../images/staged-records.ts';
import type { ActionParts } from '../parts.ts';
import { type FindDerived, lastDerived } from './derived.ts';
import { type FindSource, type Placed, placeStep } from './place.ts';

/** `stores`: those that get the same data. */
export function staged(
  parts: ActionParts,
  stores: readonly string[],
  made: FindDerived = lastDerived,
): FindSource {
  return async (image, context) => {
    const derived = made(context);
    const data = derived === null ? await stagedParts(parts.database.db, image.id) : [derived];
    if (data.length === 0)
      throw new Failure('internal', `The staged data of image ${image.id} is gone: stage it again.`);
    return {
      size: data.reduce((sum, { size }) => sum + size, 0),
      digests: digestOf(stores.map((store) => context.resultOf<Placed>(placeStep(store)))),
      open: async () => chunksOf(parts, data),
    };
  };
}

async function* chunksOf(
  { stores }: ActionParts,
  data: readonly Pick<StagedPart, 'key'>[],
): AsyncGenerator<Uint8Array> {
  for (const { key } of data) yield* await stores.staging.get(key);
}

/** The digest that an earlier store found: all of them get the same bytes. */
function digestOf(placed: readonly (Placed | undefined)[]): Record<string, string> {
  const first = placed.find((one) => one?.os_hash_algo != null && one.os_hash_value !== null);
  return first === undefined ? {} : { [first.os_hash_algo!]: first.os_hash_value! };
}
