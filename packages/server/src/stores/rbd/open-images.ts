/** Which images are open, and what goes on in each: none may be closed under a call, even one that nobody waits for any more. */
import type { Handle } from './library.ts';

interface Use {
  calls: number;
  whenIdle: (() => void) | null;
}

export class OpenImages {
  readonly #uses = new Map<Handle, Use>();

  get count(): number {
    return this.#uses.size;
  }

  opened(image: Handle): void {
    this.#uses.set(image, { calls: 0, whenIdle: null });
  }

  closed(image: Handle): void {
    this.#uses.delete(image);
  }

  /** A call begins; the function that this returns tells that it has been answered. */
  begin(image: Handle): () => void {
    const use = this.#uses.get(image)!;
    use.calls += 1;
    return () => {
      use.calls -= 1;
      if (use.calls === 0) use.whenIdle?.();
    };
  }

  /** Calls `work` once no call is under way: false when that is later. */
  whenIdle(image: Handle, work: () => void): boolean {
    const use = this.#uses.get(image)!;
    if (use.calls > 0) {
      use.whenIdle = work;
      return false;
    }
    work();
    return true;
  }
}
