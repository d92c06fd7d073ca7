/** Which format an image gets whose data goes to stores that want it kept in formats of their own. */
import type { TargetFormat } from '../inspection/qemu-img.ts';

export interface KeptFormats {
  /** What disks become; null: they stay what they are. */
  readonly convertTo: TargetFormat | null;
  /** What they become in stores that want it otherwise, by their ids. */
  readonly keptFormats: ReadonlyMap<string, TargetFormat>;
}

/** One conversion, and whom it is for. */
export type CopyWanted = { readonly format: TargetFormat; readonly stores: readonly string[] };

/**
 * An image has one format: what the default store wants, or the first one where that is not among them. Stores that want
 * another get copies in it.
 */
export function formatsFor(
  { keptFormats, convertTo: usual }: KeptFormats,
  stores: readonly string[],
  defaultStore: string,
): { readonly convertTo: TargetFormat | null; readonly copies?: readonly CopyWanted[] } {
  const wanted = (id: string) => keptFormats.get(id) ?? usual;
  const convertTo = wanted(stores.find((id) => id === defaultStore) ?? stores[0]!);
  const copies = [...Map.groupBy(stores, wanted)].flatMap(([format, those]) =>
    format === null || format === convertTo ? [] : [{ format, stores: those }],
  );
  return { convertTo, ...(copies.length === 0 ? {} : { copies }) };
}
