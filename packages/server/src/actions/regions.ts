/** The image services of other regions, or of this one: where they are, and how they are read. */
import { Failure } from '../base/failure.ts';
import type { Fetcher } from '../base/fetch/fetcher.ts';
import { hostOf, parseUrl, portOf } from '../base/fetch/source-url.ts';
import { endpointIn } from '../identity/catalogue.ts';
import type { KeystoneClient } from '../identity/keystone-client.ts';

export interface RegionParts {
  /** Capitals do not count. These come before what the catalogue says. */
  readonly named: readonly { readonly name: string; readonly endpoint: string }[];
  /** Null: there is no catalogue. */
  readonly keystone: KeystoneClient | null;
  readonly fetcher: Fetcher;
}

export interface RegionWanted {
  readonly region: string;
  /** `public`, `internal` or `admin`: which of the catalogue's endpoints. */
  readonly interface: string;
}

export class Regions {
  readonly #parts: RegionParts;

  constructor(parts: RegionParts) {
    this.#parts = parts;
  }

  /**
   * The endpoint of a region's image service, without version, as the owner of `token` is shown it. Fails with
   * no_such_region, unauthenticated when the catalogue does not take the token, or unavailable.
   */
  async endpointOf(wanted: RegionWanted, token: string | null): Promise<string> {
    const name = wanted.region.toLowerCase();
    const configured = this.#parts.named.find((one) => one.name.toLowerCase() === name);
    const endpoint = configured?.endpoint ?? (await this.#inCatalogue(wanted, token));
    if (endpoint === undefined)
      throw new Failure(
        'no_such_region',
        `There is no ${wanted.interface} endpoint of an image service in region '${wanted.region}'.`,
      );
    return endpoint.replace(/\/+(v2\/*)?$/, '');
  }

  /** Reads at this endpoint, wherever the operator has it, and nowhere else. */
  fetcherFor(endpoint: string): Fetcher {
    const url = parseUrl(endpoint);
    return this.#parts.fetcher.ruledBy({
      allowedSchemes: [url.protocol.slice(0, -1)],
      allowedPorts: [portOf(url)],
      allowedHosts: [hostOf(url)],
      deniedHosts: [],
      allowPrivateAddresses: true,
    });
  }

  async close(): Promise<void> {
    await this.#parts.keystone?.close();
  }

  async #inCatalogue(wanted: RegionWanted, token: string | null): Promise<string | undefined> {
    const { keystone } = this.#parts;
    if (keystone === null || token === null) return undefined;
    return endpointIn(await keystone.catalogue(token), { type: 'image', ...wanted });
  }
}
