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
  #timer: NodeJS.Timeout | null = null;
  #since: number | null = null;
  #waited = 0;
  #bytes = 0;

  constructor(limits: StallLimits, onStall: () => void) {
    this.#limits = limits;
    this.#onStall = onStall;
  }

  wait(): void {
    this.#since = performance.now();
    // One timer for the whole body: `refresh` costs less than a timer for every chunk.
    if (this.#timer === null) this.#timer = setTimeout(this.#onTimer, this.#limits.stallMs);
    else this.#timer.refresh();
  }

  arrived(bytes: number): void {
    if (this.#since !== null) this.#waited += performance.now() - this.#since;
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

  readonly #onTimer = (): void => {
    if (this.#since !== null) this.#onStall();
  };
}
