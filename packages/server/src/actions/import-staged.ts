/** The flow of method glance-direct: staged data goes into the stores, and the image becomes active. */
import type { Flow } from '../flows/flow.ts';
import { derivations } from './derivations.ts';
import { endImport } from './end-import.ts';
import type { ActionParts } from './parts.ts';
import { placements } from './placements.ts';
import { activate } from './steps/activate.ts';
import type { PlaceInput } from './steps/place.ts';

export const stagedImport = 'import-staged';

export function importStaged(parts: ActionParts): Flow<PlaceInput> {
  return {
    name: stagedImport,
    steps: (input) => [
      ...derivations<PlaceInput>(parts, input),
      ...placements<PlaceInput>(parts, input),
      activate(parts),
    ],
    failed: (context, { image }, failure) => endImport(parts, context, image, failure),
  };
}
