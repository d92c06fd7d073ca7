/** Looks at the locations that a patch offers before the image is locked: stores may take their time to answer. */
import { Failure } from '../base/failure.ts';
import type { Caller } from '../identity/caller.ts';
import { invalidLocation, sizeOf } from '../locations/find-object.ts';
import type { Target } from '../policy/evaluate.ts';
import { type Quotas, unlimited } from '../policy/quotas.ts';
import { requireMutableLocations } from './apply-location.ts';
import type { Image } from './image.ts';
import { findVisible } from './image-records.ts';
import { type OfferedLocation, readOfferedLocation, readOfferedLocations } from './offered-location.ts';
import type { ImageParts } from './parts.ts';
import type { Operation } from './patch.ts';
import { placeFor } from './place-for.ts';
import { findSignerNow } from './signing/located.ts';
import type { Signer } from './signing/signer.ts';

export interface FoundObject {
  readonly store: string;
  readonly key: string;
  /** Bytes. */
  readonly size: number;
}

export interface Offered {
  /** By URL; empty when the patch offers no location. */
  readonly objects: ReadonlyMap<string, FoundObject>;
  /** Of the owner. */
  readonly quotas: Quotas;
  /** Whose signature the first data of the image must have. */
  readonly signer: Signer | null;
  /** The image that this was found for. */
  readonly signedAs: Image | null;
}

type Parts = Pick<ImageParts, 'database' | 'policy' | 'quotas' | 'settings' | 'signatures' | 'stores'>;

export function isOnLocations({ name }: Operation): boolean {
  return name === 'locations';
}

export function touchesLocations(operations: readonly Operation[]): boolean {
  return operations.some(isOnLocations);
}

/** Fails with what API section 3 names, before any store is asked where that is possible. */
export async function findOffered(
  parts: Parts,
  caller: Caller,
  { id, token }: { readonly id: string; readonly token: string | null },
  operations: readonly Operation[],
): Promise<Offered> {
  if (!touchesLocations(operations))
    return { objects: new Map(), quotas: unlimited, signer: null, signedAs: null };
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
  const isFirst = image.status === 'queued' && objects.size > 0;
  return {
    objects,
    quotas: await parts.quotas.of(image.owner),
    signer: isFirst ? await findSignerNow(parts, image, token) : null,
    signedAs: image,
  };
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
  const place = placeFor(parts, caller, offer.url, offer.storeId);
  const size = await sizeOf(place, parts.settings.sizeCap);
  return { store: place.store.id, key: place.key, size };
}

/** The object at this URL. Fails with invalid_location when it was not looked for. */
export function foundAt({ objects }: Offered, url: string): FoundObject {
  const found = objects.get(url);
  if (found === undefined) throw invalidLocation('The image has changed meanwhile: send the patch again.');
  return found;
}
