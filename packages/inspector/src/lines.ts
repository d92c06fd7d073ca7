/** The lines of a text, one at a time: hostile text can have very many. */

/** Without their ends, which are CR, LF or both; empty ones are left out. */
export function* linesOf(text: string): Generator<string> {
  let start = 0;
  for (let at = 0; at <= text.length; at += 1) {
    const character = text[at];
    if (character !== '\n' && character !== '\r' && at < text.length) continue;
    if (at > start) yield text.slice(start, at);
    start = at + 1;
  }
}
