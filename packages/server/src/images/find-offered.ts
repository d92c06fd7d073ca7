/** Looks at the locations that a patch offers before the image is locked: stores may take their time to answer. */
import { Failure } from '../base/failure.ts';
import type { Caller } from '../identity/caller.ts';
import { invalidLocation, placeOf, sizeOf } from '../locations/find-object.ts';
import type { Target } from '../policy/evaluate.ts';
import { type Quotas, unlimited } from '../policy/quotas.ts';
import { requireMutableLocations } from './apply-location.ts';
import { findVisible } from './image-records.ts';
import { type OfferedLocation, readOfferedLocation, readOfferedLocations } from './offered-location.ts';
import type { ImageParts } from './parts.ts';
import type { Operation } from './patch.ts';

export interface FoundObject {
  readonly store: string;
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Nobody else's image may be there: the bytes are removed with the image. */
  readonly isOurs: boolean;
}

export interface Offered {
  /** By URL; empty when the patch offers no location. */
  readonly objects: ReadonlyMap<string, FoundObject>;
  /** Of the owner. */
  readonly quotas: Quotas;
}

type Parts = Pick<ImageParts, 'database' | 'policy' | 'quotas' | 'settings' | 'stores'>;

function isOnLocations({ name }: Operation): boolean {
  return name === 'locations';
}

export function touchesLocations(operations: readonly Operation[]): boolean {
  return operations.some(isOnLocations);
}

/** Fails with what API section 3 names, before any store is asked where that is possible. */
export async function findOffered(
  parts: Parts,
  caller: Caller,
  id: string,
  operations: readonly Operation[],
): Promise<Offered> {
  if (!touchesLocations(operations)) return { objects: new Map(), quotas: unlimited };
  const { image, target } = await findVisible(parts.database.db, parts.policy, caller, id);
  parts.policy.require('modify_image', caller, target);
  requireLocationRights(parts, caller, target, operations);
  const mine = operations.filter(isOnLocations);
  for (const { op } of mine) requireMutableLocations(image, op);
  const offers = mine.flatMap((operation) => offersOf(operation, image.status === 'active'));
  const { maxLocations } = parts.settings.limits;
  if (maxLocations >= 0 && offers.length > maxLocations)
    throw new Failure('quota_locations', `An image may have ${maxLocations} locations.`);

  const objects = new Map<string, FoundObject>();
  for (const offer of offers)
    if (!objects.has(offer.url)) objects.set(offer.url, await findObject(parts, caller, offer));
  return { objects, quotas: await parts.quotas.of(image.owner) };
}

/** Fails with forbidden when locations are not exposed, or not for this caller to change. */
export function requireLocationRights(
  { policy, settings }: Pick<ImageParts, 'policy' | 'settings'>,
  caller: Caller,
  target: Target,
  operations: readonly Operation[],
): void {
  if (!touchesLocations(operations)) return;
  if (!settings.showMultipleLocations)
    throw new Failure('forbidden', 'Locations are not exposed by this server.');
  for (const { op } of operations.filter(isOnLocations))
    policy.require(op === 'remove' ? 'delete_image_location' : 'set_image_location', caller, target);
}

/** The locations whose objects have to be found: those of an image with data can only be described anew. */
function offersOf({ op, value }: Operation, hasData: boolean): OfferedLocation[] {
  if (op === 'add') return [readOfferedLocation(value)];
  return op === 'replace' && !hasData ? readOfferedLocations(value) : [];
}

async function findObject(parts: Parts, caller: Caller, offer: OfferedLocation): Promise<FoundObject> {
  const place = placeOf(parts.stores, offer.url, offer.storeId);
  const isOurs = place.store.readOnly !== true;
  // What an ordinary user may name in a store of ours may be another's (advisory OSSN-0090).
  if (isOurs && !parts.policy.isAllowed('service_api', caller, { project_id: caller.projectId }))
    throw new Failure('forbidden', 'Only other services may name data in the stores of this server.');
  const size = await sizeOf(place);
  if (size > parts.settings.sizeCap)
    throw new Failure('size_cap', `The image is larger than the limit of ${parts.settings.sizeCap} bytes.`);
  return { store: place.store.id, key: place.key, size, isOurs };
}

/** The object at this URL. Fails with invalid_location when it was not looked for. */
export function foundAt({ objects }: Offered, url: string): FoundObject {
  const found = objects.get(url);
  if (found === undefined) throw invalidLocation('The image has changed meanwhile: send the patch again.');
  return found;
}
