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

/** Bytes, at least one. Fails with invalid_location when that cannot be learned. */
export async function sizeOf({ store, key }: ObjectPlace): Promise<number> {
  try {
    const { size } = await store.stat(key);
    if (size > 0) return size;
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    throw invalidLocation('Nothing can be read from this location at the moment.', { cause });
  }
  throw invalidLocation('There is no data at this location.');
}
