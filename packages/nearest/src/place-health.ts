/** How places have served of late, as this process saw it: told to nobody, and forgotten in time (seed S1). */

export interface Reading {
  /** Milliseconds until the first bytes, and spent waiting for the others. */
  readonly firstMs: number;
  readonly restMs: number;
  /** Bytes after the first ones. */
  readonly restBytes: number;
}

interface Seen {
  firstMs: number;
  /** Milliseconds a byte; null: no reading was long enough to tell. */
  byteMs: number | null;
  at: number;
}

interface Trouble {
  failures: number;
  restsUntil: number;
  restMs: number;
}

/** What is older tells nothing any more: a place that was slow gets another chance. */
const forgetMs = 600_000;
/** Share of the newest reading in the average. */
const newest = 0.3;
/** Shorter readings tell of caches and buffers, not of the place. */
const tellingBytes = 1024 * 1024;
/** Failures in a row until a place is left alone, and for how long, at first and at most. */
const tolerated = 3;
const firstRestMs = 1_000;
const longestRestMs = 10_000;

export class PlaceHealth {
  readonly #now: () => number;
  readonly #seen = new Map<string, Seen>();
  readonly #troubles = new Map<string, Trouble>();

  /** `now` in milliseconds, of a clock that does not jump. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  served(place: string, { firstMs, restMs, restBytes }: Reading): void {
    this.#troubles.delete(place);
    const before = this.#recent(place);
    const byteMs = restBytes < tellingBytes ? null : restMs / restBytes;
    this.#seen.set(place, {
      firstMs: mixed(before?.firstMs ?? null, firstMs)!,
      byteMs: mixed(before?.byteMs ?? null, byteMs),
      at: this.#now(),
    });
  }

  /** It could not serve what it should have. */
  failed(place: string): void {
    const { failures, restMs } = this.#troubles.get(place) ?? { failures: 0, restMs: firstRestMs };
    const rests = failures + 1 >= tolerated;
    this.#troubles.set(place, {
      failures: failures + 1,
      restsUntil: rests ? this.#now() + restMs : 0,
      restMs: rests ? Math.min(restMs * 2, longestRestMs) : restMs,
    });
  }

  isResting(place: string): boolean {
    const trouble = this.#troubles.get(place);
    return trouble !== undefined && this.#now() < trouble.restsUntil;
  }

  /** Whether to ask it for bytes: after a rest, one reader finds out for all others. */
  admits(place: string): boolean {
    const trouble = this.#troubles.get(place);
    if (trouble === undefined || trouble.failures < tolerated) return true;
    if (this.isResting(place)) return false;
    trouble.restsUntil = this.#now() + trouble.restMs;
    return true;
  }

  /** Milliseconds until `bytes` are here; 0 for a place that nothing is known of, so that it is found out. */
  expectedMs(place: string, bytes: number): number {
    const seen = this.#recent(place);
    return seen === undefined ? 0 : seen.firstMs + bytes * (seen.byteMs ?? 0);
  }

  #recent(place: string): Seen | undefined {
    const seen = this.#seen.get(place);
    return seen !== undefined && this.#now() - seen.at < forgetMs ? seen : undefined;
  }
}

function mixed(before: number | null, now: number | null): number | null {
  if (before === null || now === null) return now ?? before;
  return before + (now - before) * newest;
}
