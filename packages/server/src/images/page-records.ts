/** A page of a list, as it is asked of the database. */
import { type RawBuilder, sql } from 'kysely';
import type { Reason } from './list-reasons.ts';
import type { SortKey } from './list-sort.ts';
import type { Condition } from './matching-records.ts';
import type { RowVersion } from './remembered-images.ts';

export interface PageQuery {
  readonly reasons: readonly Reason[];
  readonly conditions: readonly Condition[];
  readonly sort: readonly SortKey[];
  readonly limit: number;
}

export type VersionsQuery = RawBuilder<RowVersion>;

/** Limits inside a branch: the planner counts with them, and no caller can make up ever new statements. */
const branchLimits = [1, 10, 25, 50, 100, 200, 500, 1000];

/** The least of them that is enough; undefined: none is. */
export function limitAtLeast(limit: number): number | undefined {
  return branchLimits.find((step) => step >= limit);
}

export function branchLimit(limit: number): Condition {
  return sql.lit(limitAtLeast(limit) ?? Number.MAX_SAFE_INTEGER);
}
