/** Values of a list filter: one, or `in:a,"b,c",d` (API section 3). */
import { Failure } from '../base/failure.ts';

/** Splits at commas outside double quotes; fails with invalid_query on unbalanced or misplaced quotes. */
function splitQuoted(name: string, text: string): string[] {
  const bad = new Failure('invalid_query', `Parameter '${name}' has unbalanced or misplaced quotes.`);
  const values: string[] = [];
  let rest = text;
  for (;;) {
    const match = /^(?:"([^"]*)"|([^",]*))(,|$)/.exec(rest);
    if (match === null) throw bad;
    values.push(match[1] ?? match[2]!);
    if (match[3] === '') return values;
    rest = rest.slice(match[0].length);
  }
}

export function readValues(name: string, text: string): string[] {
  return text.startsWith('in:') ? splitQuoted(name, text.slice(3)) : [text];
}
