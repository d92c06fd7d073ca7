/** The language of policy rules, as operators write it for the reference (oslo.policy). */

/** A rule in the form it is evaluated in. */
export type Check =
  | { readonly kind: 'always' }
  | { readonly kind: 'never' }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Check[] }
  | { readonly kind: 'not'; readonly of: Check }
  | { readonly kind: 'rule'; readonly name: string }
  | { readonly kind: 'role'; readonly role: Template }
  | { readonly kind: 'match'; readonly left: Left; readonly right: Template };

/** What stands before the colon: an attribute of the caller, or a constant. */
export type Left = { readonly attribute: string } | { readonly constant: string };

/** Text with `%(name)s` places, filled from the target. */
export type Template = readonly (string | { readonly target: string })[];

/** A rule that cannot be read; the message says where. */
export class PolicySyntaxError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PolicySyntaxError';
  }
}

const always: Check = { kind: 'always' };
const never: Check = { kind: 'never' };

function readTemplate(text: string): Template {
  const parts: (string | { target: string })[] = [];
  let rest = text;
  for (let match = /%\(([^)]+)\)s/.exec(rest); match !== null; match = /%\(([^)]+)\)s/.exec(rest)) {
    if (match.index > 0) parts.push(rest.slice(0, match.index));
    parts.push({ target: match[1]! });
    rest = rest.slice(match.index + match[0].length);
  }
  if (rest.includes('%(')) throw new PolicySyntaxError(`"${text}" has a place that is not written %(name)s`);
  if (rest !== '') parts.push(rest);
  return parts;
}

/** Quoted text, numbers, True, False and None are constants, written as the reference prints them. */
function readLeft(text: string): Left {
  const quoted = /^(['"])(.*)\1$/.exec(text);
  if (quoted !== null) return { constant: quoted[2]! };
  if (/^(True|False|None|-?\d+(\.\d+)?)$/.test(text)) return { constant: text };
  return { attribute: text };
}

function readCheck(text: string): Check {
  if (text === '@') return always;
  if (text === '!') return never;
  const colon = text.indexOf(':');
  if (colon === -1) throw new PolicySyntaxError(`"${text}" is not of the form kind:value`);
  const kind = text.slice(0, colon);
  const value = text.slice(colon + 1);
  if (kind === 'rule') return { kind: 'rule', name: value };
  if (kind === 'role') return { kind: 'role', role: readTemplate(value) };
  if (kind === 'http' || kind === 'https')
    throw new PolicySyntaxError(`"${text}" asks another server, which policies here cannot do`);
  return { kind: 'match', left: readLeft(kind), right: readTemplate(value) };
}

/** Words and parentheses; quoted text stays in one piece. */
function tokenize(text: string): string[] {
  const tokens: string[] = [];
  const pattern = /\s*(?:(\()|((?:'[^']*'|"[^"]*"|%\([^)]*\)s|[^\s()'"%]|%)+)|(\)))/y;
  let at = 0;
  while (text.slice(at).trim() !== '') {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) throw new PolicySyntaxError(`"${text}" has an open quote`);
    tokens.push(match[0].trim());
    at = pattern.lastIndex;
  }
  return tokens;
}

/** `or` binds least, then `and`, then `not`. */
class Parser {
  readonly #tokens: readonly string[];
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  parse(): Check {
    const check = this.#or();
    if (this.#at < this.#tokens.length) throw this.#unexpected();
    return check;
  }

  #or(): Check {
    return this.#chain('or', () => this.#chain('and', () => this.#not()));
  }

  #chain(word: 'and' | 'or', next: () => Check): Check {
    const of = [next()];
    while (this.#peek() === word) {
      this.#at += 1;
      of.push(next());
    }
    return of.length === 1 ? of[0]! : { kind: word, of };
  }

  #not(): Check {
    if (this.#peek() !== 'not') return this.#single();
    this.#at += 1;
    return { kind: 'not', of: this.#not() };
  }

  #single(): Check {
    const token = this.#tokens[this.#at];
    if (token === undefined || token === ')' || /^(and|or)$/i.test(token)) throw this.#unexpected();
    this.#at += 1;
    if (token !== '(') return readCheck(token);
    const inner = this.#or();
    if (this.#tokens[this.#at] !== ')') throw new PolicySyntaxError(`"${this.#text}" lacks a ")"`);
    this.#at += 1;
    return inner;
  }

  #peek(): string | undefined {
    return this.#tokens[this.#at]?.toLowerCase();
  }

  #unexpected(): PolicySyntaxError {
    const token = this.#tokens[this.#at];
    const where = token === undefined ? 'its end' : `"${token}"`;
    return new PolicySyntaxError(`"${this.#text}" cannot be understood at ${where}`);
  }
}

/** The old list form: any of the lists, all of the checks in each. */
function readLists(lists: readonly unknown[]): Check {
  if (lists.length === 0) return always;
  const of = lists.map((list) => {
    const checks = Array.isArray(list) ? list : [list];
    if (!checks.every((check) => typeof check === 'string'))
      throw new PolicySyntaxError('a rule given as a list holds texts or lists of texts');
    return { kind: 'and' as const, of: checks.map(readCheck) };
  });
  return { kind: 'or', of };
}

/** Fails with PolicySyntaxError. An empty rule lets everybody through. */
export function parseRule(rule: unknown): Check {
  if (Array.isArray(rule)) return readLists(rule);
  if (typeof rule !== 'string') throw new PolicySyntaxError('a rule is a text');
  return rule.trim() === '' ? always : new Parser(rule).parse();
}
