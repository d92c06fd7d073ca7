/** The flow of method web-download: data from a URL is fetched, goes into the stores, and the image becomes active. */
import type { Flow } from '../flows/flow.ts';
import { endImport } from './end-import.ts';
import type { ActionParts } from './parts.ts';
import { activate } from './steps/activate.ts';
import { type FetchInput, fetchSource } from './steps/fetch-source.ts';
import { place } from './steps/place.ts';
import { staged } from './steps/staged.ts';

export const webImport = 'import-from-web';

export function importFromWeb(parts: ActionParts): Flow<FetchInput> {
  return {
    name: webImport,
    steps: ({ stores, allMustSucceed }) => [
      fetchSource(parts),
      ...stores.map((store) => place<FetchInput>(parts, staged(parts, stores), store, !allMustSucceed)),
      activate(parts),
    ],
    failed: (context, { image }, failure) => endImport(parts, context, image, failure),
  };
}
