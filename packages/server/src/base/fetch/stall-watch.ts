/** Notices a source that gives nothing, or next to nothing, however long the whole may take. */

export interface StallLimits {
  /** Milliseconds of waiting in which at least `leastBytes` must come. */
  readonly stallMs: number;
  readonly leastBytes: number;
}

/** Time counts only while a chunk is being waited for: a slow consumer is no slow source. */
export class StallWatch {
  readonly #limits: StallLimits;
  readonly #onStall: () => void;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | null = null;
  #since: number | null = null;
  #waited = 0;
  #bytes = 0;

  constructor(limits: StallLimits, onStall: () => void, now = () => performance.now()) {
    this.#limits = limits;
    this.#onStall = onStall;
    this.#now = now;
  }

  wait(): void {
    this.#since = this.#now();
    this.#timer ??= setTimeout(this.#onTimer, this.#limits.stallMs);
  }

  arrived(bytes: number): void {
    if (this.#since !== null) this.#waited += this.#now() - this.#since;
    this.#since = null;
    this.#bytes += bytes;
    if (this.#waited < this.#limits.stallMs) return;
    if (this.#bytes < this.#limits.leastBytes) this.#onStall();
    this.#waited = 0;
    this.#bytes = 0;
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#since = null;
  }

  /** Not set anew for every chunk: when it comes too early, it is set for the rest. */
  readonly #onTimer = (): void => {
    this.#timer = null;
    if (this.#since === null) return;
    const left = this.#limits.stallMs - (this.#now() - this.#since);
    if (left > 0) this.#timer = setTimeout(this.#onTimer, left);
    else this.#onStall();
  };
}
