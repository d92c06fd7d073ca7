/** The flow of method glance-direct: staged data goes into the stores, and the image becomes active. */
import { Failure } from '../base/failure.ts';
import type { Flow } from '../flows/flow.ts';
import { stagedData } from '../images/staged-records.ts';
import { endImport } from './end-import.ts';
import type { ActionParts } from './parts.ts';
import { activate } from './steps/activate.ts';
import { type FindSource, type Placed, type PlaceInput, place, placeStep } from './steps/place.ts';

export const stagedImport = 'import-staged';

export function importStaged(parts: ActionParts): Flow<PlaceInput> {
  return {
    name: stagedImport,
    steps: ({ stores, allMustSucceed }) => [
      ...stores.map((store) => place<PlaceInput>(parts, staged(parts, stores), store, !allMustSucceed)),
      activate(parts),
    ],
    failed: (context, { image }, failure) => endImport(parts, context, image, failure),
  };
}

function staged(parts: ActionParts, stores: readonly string[]): FindSource {
  return async (image, context) => {
    const data = await stagedData(parts.database.db, image.id);
    if (data === undefined)
      throw new Failure('internal', `The staged data of image ${image.id} is gone: stage it again.`);
    return {
      size: data.size,
      digests: digestOf(stores.map((store) => context.resultOf<Placed>(placeStep(store)))),
      open: () => parts.stores.staging.get(data.key),
    };
  };
}

/** The digest that an earlier store found: all of them get the same bytes. */
function digestOf(placed: readonly (Placed | undefined)[]): Record<string, string> {
  const first = placed.find((one) => one?.os_hash_algo != null && one.os_hash_value !== null);
  return first === undefined ? {} : { [first.os_hash_algo!]: first.os_hash_value! };
}
