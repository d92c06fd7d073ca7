/** Text that the database can keep. */

/** False for a NUL and for a lone surrogate. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}
