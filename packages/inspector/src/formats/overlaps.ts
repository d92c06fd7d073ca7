/** Tables of one file that must not lie over one another. */
import { unsafe } from '../examination.ts';

export interface Table {
  readonly what: string;
  readonly offset: bigint;
  readonly length: number;
}

/** Refuses tables that overlap: whoever writes one of them writes the other. */
export function refuseOverlaps(tables: readonly Table[], where: string): void {
  const sorted = tables.toSorted((a, b) => (a.offset < b.offset ? -1 : a.offset > b.offset ? 1 : 0));
  for (const [index, table] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next !== undefined && table.offset + BigInt(table.length) > next.offset)
      throw unsafe(`the ${table.what} and the ${next.what} of its ${where} overlap`);
  }
}
