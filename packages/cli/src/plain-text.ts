/** Text from elsewhere made safe for a terminal. */

/** Control characters, which could drive the terminal, and marks that turn the direction of text, as `\u{…}`. */
export function plainText(text: string): string {
  return text.replace(
    /[\p{Cc}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}\u{2028}\u{2029}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}
