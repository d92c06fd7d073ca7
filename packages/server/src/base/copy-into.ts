/** Copies bytes from or to memory that threads share. */

/**
 * Copies all of `bytes` to `target`, from `offset` on. `set` and `copy` go word by word where one side is shared memory, at a
 * quarter of the speed, lest another thread sees half a word: for callers who know that none looks meanwhile.
 */
export function copyInto(target: Buffer, offset: number, bytes: Uint8Array): void {
  // Filling with nothing is refused.
  if (bytes.length > 0) target.fill(bytes, offset, offset + bytes.length);
}
