/** GET /v2/images/{id}/locations: where the bytes of an image are, for other services (API section 5). */
import { type Caller, withServiceRoles } from '../identity/caller.ts';
import { activeLocations } from '../locations/location-records.ts';
import { findVisible } from './image-records.ts';
import type { ImageParts } from './parts.ts';
import { type ShownLocation, showLocation } from './shown.ts';

export async function listLocations(
  parts: Pick<ImageParts, 'database' | 'policy' | 'stores'>,
  caller: Caller,
  id: string,
): Promise<ShownLocation[]> {
  const { image, target } = await findVisible(parts.database.db, parts.policy, caller, id);
  parts.policy.require('fetch_image_location', withServiceRoles(caller), target);
  const locations = await activeLocations(parts.database.db, image.id);
  return locations.map((location) => showLocation(parts.stores, location));
}
