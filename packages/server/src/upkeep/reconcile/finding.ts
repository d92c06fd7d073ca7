/** What reconciling works with, and what it tells. */
import type { ReadingParts } from '../../locations/copy-trouble.ts';

export type ReconcileParts = ReadingParts;

/**
 * `orphan`: bytes of ours that no record names. `foreign`: bytes of others, never touched. `missing`, `size`, `digest`: a copy
 * that is not there or not what is recorded. `unreadable`: a copy, or a store (key null), that could not be looked at.
 */
export type FindingKind = 'orphan' | 'foreign' | 'missing' | 'size' | 'digest' | 'unreadable';

export interface Finding {
  readonly kind: FindingKind;
  readonly store: string;
  readonly key: string | null;
  readonly image: string | null;
  /** As the store has them; null: none, or unknown. */
  readonly bytes: number | null;
  /** Orphans are removed, copies made anew from others, or marked as in trouble so that others are read. */
  readonly repaired: boolean;
  readonly detail: string | null;
}

export interface ReconcileRun {
  readonly repair: boolean;
  /**
   * The part of the copies that are read and held against their digests: 0 none, 1 all; of those between, others each time,
   * and those in trouble always.
   */
  readonly scrub: number;
  /** At which copies are read, all stores together; null: as fast as it goes. */
  readonly bytesPerSecond: number | null;
  readonly signal: AbortSignal;
  readonly tell: (finding: Finding) => void;
  /** After each object or copy. */
  readonly progress: () => void;
}

/** Milliseconds: nothing younger is looked at, since whoever wrote it may be about to record it. */
export const untouchedMs = 86_400_000;
