/** The object that a location URL of a client names: in a store of ours that takes such URLs, or nowhere. */
import { Failure } from '../base/failure.ts';
import { isStorable } from '../base/text.ts';
import type { Stores } from '../stores/registry.ts';
import type { Store } from '../stores/store.ts';

export interface ObjectPlace {
  readonly store: Store;
  readonly key: string;
}

/** Name files of the server, or configuration of the operator (advisories OSSA-2014-041, OSSA-2015-002). */
const refusedSchemes: readonly string[] = ['file', 'filesystem', 'swift+config'];

/** Characters. */
const longestUrl = 255;

export function invalidLocation(why: string, options?: ErrorOptions): Failure {
  return new Failure('invalid_location', why, options);
}

function checkUrl(url: string): void {
  if (url.length > longestUrl) throw invalidLocation(`A location URL has at most ${longestUrl} characters.`);
  const [, scheme, authority] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#\\]*)/i.exec(url) ?? [];
  if (scheme === undefined || !isStorable(url) || /[\s\p{Cc}]/u.test(url))
    throw invalidLocation('A location is an absolute URL, such as https://host/path.');
  if (refusedSchemes.includes(scheme.toLowerCase()))
    throw invalidLocation(`Locations with the scheme ${scheme.toLowerCase()} are not accepted.`);
  if (authority!.includes('@')) throw invalidLocation('A location URL carries no user name or password.');
}

/** `storeId` undefined: whichever store has it. Touches no store. Fails with invalid_location. */
export function placeOf(stores: Stores, url: string, storeId: string | undefined): ObjectPlace {
  checkUrl(url);
  for (const store of stores.all) {
    if (storeId !== undefined && store.id !== storeId) continue;
    const key = store.keyOf?.(url) ?? null;
    if (key !== null) return { store, key };
  }
  throw invalidLocation(
    storeId === undefined
      ? 'No store of this server takes this location.'
      : `There is no store '${storeId}' that takes this location.`,
  );
}

/** Of ours: who gives a URL learns nothing about them. What a store of others says is about the URL. */
const ownTroubles: ReadonlySet<string> = new Set(['not_found', 'store_unavailable']);

/**
 * Bytes, at least one, `cap` at most. Fails with invalid_location when that cannot be learned, with what a
 * read-only store says of the URL, or with size_cap.
 */
export async function sizeOf({ store, key }: ObjectPlace, cap: number): Promise<number> {
  const { size } = await store.stat(key).catch((cause: unknown) => {
    if (!(cause instanceof Failure)) throw cause;
    if (store.readOnly && !ownTroubles.has(cause.code)) throw cause;
    throw invalidLocation('Nothing can be read from this location at the moment.', { cause });
  });
  if (!(size > 0)) throw invalidLocation('There is no data at this location.');
  if (size > cap) throw new Failure('size_cap', `The image is larger than the limit of ${cap} bytes.`);
  return size;
}
