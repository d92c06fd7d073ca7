/** The flow behind a copy in another format: the disk of an active image is converted, proved to be the same, and put into a store. */
import type { Flow } from '../flows/flow.ts';
import { endImport } from './end-import.ts';
import type { ActionParts } from './parts.ts';
import { convertOwn } from './steps/convert-own.ts';
import { lastDerived } from './steps/derived.ts';
import { finishCopy } from './steps/finish-copy.ts';
import { type PlaceInput, place } from './steps/place.ts';
import { recordMade } from './steps/record-made.ts';
import { staged } from './steps/staged.ts';

export const copyDerivation = 'derive-copy';

export function deriveCopy(parts: ActionParts): Flow<PlaceInput> {
  return {
    name: copyDerivation,
    steps: ({ stores }) => [
      convertOwn(parts),
      ...stores.map((store) =>
        place<PlaceInput>(parts, staged(parts, stores), store, false, { record: recordMade(lastDerived) }),
      ),
      finishCopy(parts),
    ],
    failed: (context, { image }, failure) => endImport(parts, context, image, failure),
  };
}
