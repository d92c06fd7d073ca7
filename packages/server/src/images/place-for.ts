/** The object at a location URL, if this caller may name it. */
import { Failure } from '../base/failure.ts';
import { type Caller, withServiceRoles } from '../identity/caller.ts';
import { type ObjectPlace, placeOf } from '../locations/find-object.ts';
import type { ImageParts } from './parts.ts';

/** Touches no store. Fails with invalid_location or forbidden. */
export function placeFor(
  { policy, stores }: Pick<ImageParts, 'policy' | 'stores'>,
  caller: Caller,
  url: string,
  storeId: string | undefined,
): ObjectPlace {
  const isService = policy.isAllowed('service_api', withServiceRoles(caller), {
    project_id: caller.projectId,
  });
  // What an ordinary user may name in a store of ours may be another's (advisory OSSN-0090).
  if (!isService && !stores.all.some(({ readOnly }) => readOnly))
    throw new Failure('forbidden', 'This server has no store for locations that users may name.');
  const place = placeOf(stores, url, storeId);
  if (!isService && !place.store.readOnly)
    throw new Failure('forbidden', 'Only other services may name data in the stores of this server.');
  return place;
}
