/** The flow of method web-download: data from a URL is fetched, goes into the stores, and the image becomes active. */
import type { Flow } from '../flows/flow.ts';
import { derivations } from './derivations.ts';
import { endImport } from './end-import.ts';
import type { ActionParts } from './parts.ts';
import { placements } from './placements.ts';
import { activate } from './steps/activate.ts';
import { type FetchInput, fetchSource } from './steps/fetch-source.ts';

export const webImport = 'import-from-web';

export function importFromWeb(parts: ActionParts): Flow<FetchInput> {
  return {
    name: webImport,
    secrets: ['uri'],
    steps: (input) => [
      fetchSource(parts),
      ...derivations<FetchInput>(parts, input),
      ...placements<FetchInput>(parts, input),
      activate(parts),
    ],
    failed: (context, { image }, failure) => endImport(parts, context, image, failure),
  };
}
