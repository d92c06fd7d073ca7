/** The opening tags of an XML text, in time that grows with its length alone. */

/**
 * Calls `visit` for each, with its name without prefix and what stands between its brackets; comments and the like are
 * skipped. What is not allowed in the text, or null: the end of a sentence.
 */
export function visitTags(text: string, visit: (name: string, tag: string) => void): string | null {
  if (text.includes('\0')) return 'is not in UTF-8';
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at)) {
    const skipped = skip(text, at);
    if (skipped === null) return 'has a document type or an entity of its own';
    if (skipped === 0) return 'has no end';
    if (skipped > 0) {
      at = skipped;
      continue;
    }
    const end = endOfTag(text, at);
    if (end < 0) return 'has no end';
    const name = /^<([^\s/>]{1,128})/.exec(text.slice(at, at + 130))?.[1];
    if (name !== undefined) visit(name.slice(name.indexOf(':') + 1), text.slice(at + 1, end));
    at = end + 1;
  }
  return null;
}

/** Where a comment, a CDATA section or an instruction ends; 0: nowhere; -1: it is a tag; null: a declaration. */
function skip(text: string, at: number): number | null {
  for (const [start, end] of [
    ['<!--', '-->'],
    ['<![CDATA[', ']]>'],
    ['<?', '?>'],
  ] as const) {
    if (!text.startsWith(start, at)) continue;
    const found = text.indexOf(end, at + start.length);
    return found < 0 ? 0 : found + end.length;
  }
  return text.startsWith('<!', at) ? null : -1;
}

/** Where its bracket closes; brackets inside quotes do not. */
function endOfTag(text: string, at: number): number {
  let quote = '';
  for (let index = at + 1; index < text.length; index += 1) {
    const character = text[index]!;
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else if (character === '>') return index;
  }
  return -1;
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** By their names without prefix. */
export function attributesOf(tag: string): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  const pattern = /\s+([\w.:-]+)\s*=\s*("[^"]*"|'[^']*')/y;
  pattern.lastIndex = /^\S+/.exec(tag)?.[0].length ?? 0;
  for (let match = pattern.exec(tag); match !== null; match = pattern.exec(tag)) {
    const name = match[1]!.slice(match[1]!.indexOf(':') + 1);
    attributes.set(name, decoded(match[2]!.slice(1, -1)));
  }
  return attributes;
}

function decoded(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w{1,8}));/gi,
    (whole, decimal, hexadecimal, name) => {
      if (name !== undefined) return entities[name] ?? whole;
      const code = decimal === undefined ? Number.parseInt(hexadecimal, 16) : Number(decimal);
      return code <= 0xff ? String.fromCharCode(code) : '?';
    },
  );
}
