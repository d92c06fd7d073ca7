/** Version ids of the Image API: clients test for them literally (API section 1). */

/** Parts of the API whose ids are announced only when they work on this server. */
export type Feature =
  | 'deactivation'
  | 'sharing'
  | 'import'
  | 'hidden'
  | 'stores'
  | 'image-tasks'
  | 'cache'
  | 'locations';

const ids: readonly { id: string; needs?: Feature | readonly Feature[] }[] = [
  { id: 'v2.18', needs: 'cache' },
  { id: 'v2.17', needs: 'locations' },
  { id: 'v2.16', needs: 'cache' },
  { id: 'v2.15', needs: 'stores' },
  { id: 'v2.14', needs: 'cache' },
  { id: 'v2.13', needs: 'stores' },
  { id: 'v2.12', needs: 'image-tasks' },
  // Copies of an image in further stores, which import makes.
  { id: 'v2.11', needs: ['stores', 'import'] },
  { id: 'v2.10', needs: 'stores' },
  { id: 'v2.9', needs: 'import' },
  { id: 'v2.8', needs: 'stores' },
  { id: 'v2.7', needs: 'hidden' },
  { id: 'v2.6', needs: 'import' },
  { id: 'v2.5', needs: 'sharing' },
  { id: 'v2.4', needs: 'locations' },
  { id: 'v2.3', needs: 'deactivation' },
  { id: 'v2.2' },
  { id: 'v2.1' },
  { id: 'v2.0' },
];

/** Paths of these ids are all served, announced or not. */
export const routedVersions: readonly string[] = ids.map(({ id }) => id);

/** The ids to announce, newest first. */
export function announcedVersions(features: ReadonlySet<Feature>): string[] {
  return ids
    .filter(({ needs = [] }) => [needs].flat().every((need) => features.has(need)))
    .map(({ id }) => id);
}
