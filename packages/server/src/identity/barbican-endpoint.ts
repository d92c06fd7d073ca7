/** Where Barbican, OpenStack's key manager, is. */
import { Failure } from '../base/failure.ts';
import { type Catalogue, endpointIn } from './catalogue.ts';
import type { KeystoneClient } from './keystone-client.ts';

/** Resolves with its URL, without version or slash at the end. Fails with unavailable. */
export type FindKeyManager = () => Promise<string>;

/** Milliseconds that an endpoint of the catalogue is remembered. */
const rememberMs = 60_000;

export function keyManagerAt(url: string): FindKeyManager {
  const base = withoutVersion(url);
  return async () => base;
}

/** The public endpoint of type key-manager in Keystone's catalogue; a region of null: any. */
export function keyManagerOf(keystone: KeystoneClient, region: string | null): FindKeyManager {
  let known: { readonly url: string; readonly since: number } | null = null;
  return async () => {
    const now = Date.now();
    if (known !== null && now >= known.since && now - known.since < rememberMs) return known.url;
    const catalogue = await keystone.get<Catalogue>('/auth/catalog');
    const url = endpointIn(catalogue, { type: 'key-manager', interface: 'public', region });
    if (url === undefined) throw new Failure('unavailable', 'The service catalogue has no key manager.');
    known = { url: withoutVersion(url), since: now };
    return known.url;
  };
}

/** A catalogue may have it with or without. */
function withoutVersion(url: string): string {
  return url.replace(/\/+(v1\/*)?$/, '');
}
