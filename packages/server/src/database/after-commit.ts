/** What is to be seen to once a transaction has committed, and not at all if it does not. */
import type { Queries } from './queries.ts';

const marksOf = new WeakMap<Queries, Set<string>>();

/** Marks the transaction; whoever asked with `Database.onCommit` is told of it after the commit. Nothing happens outside of one. */
export function markCommit(queries: Queries, mark: string): void {
  marksOf.get(queries)?.add(mark);
}

/** Who is told of which marks. */
export class CommitListeners {
  readonly #byMark = new Map<string, Set<() => void>>();

  /** Returns the way out. */
  add(mark: string, listener: () => void): () => void {
    const listeners = this.#byMark.get(mark) ?? new Set();
    this.#byMark.set(mark, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** The transaction can be marked from now on; the result tells of its commit. */
  begin(queries: Queries): () => void {
    const marks = new Set<string>();
    marksOf.set(queries, marks);
    return () => {
      for (const mark of marks) for (const listener of [...(this.#byMark.get(mark) ?? [])]) listener();
    };
  }
}
