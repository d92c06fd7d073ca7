/** The flow of method glance-direct: staged data goes into the stores, and the image becomes active. */
import type { Flow } from '../flows/flow.ts';
import { endImport } from './end-import.ts';
import type { ActionParts } from './parts.ts';
import { activate } from './steps/activate.ts';
import { type PlaceInput, place } from './steps/place.ts';
import { staged } from './steps/staged.ts';

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
