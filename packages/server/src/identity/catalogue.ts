/** The service catalogue of Keystone, as far as we read it. */

export interface Catalogue {
  readonly catalog: readonly {
    readonly type: string;
    readonly endpoints: readonly {
      readonly interface: string;
      readonly region_id?: string | null;
      readonly url: string;
    }[];
  }[];
}

export interface Wanted {
  /** Such as `image`. */
  readonly type: string;
  /** `public`, `internal` or `admin`. */
  readonly interface: string;
  /** Capitals do not count; null: any. */
  readonly region: string | null;
}

export function endpointIn({ catalog }: Catalogue, wanted: Wanted): string | undefined {
  const region = wanted.region?.toLowerCase();
  const endpoints = catalog.filter(({ type }) => type === wanted.type).flatMap((one) => one.endpoints);
  return endpoints.find(
    (one) =>
      one.interface === wanted.interface && (region === undefined || one.region_id?.toLowerCase() === region),
  )?.url;
}
