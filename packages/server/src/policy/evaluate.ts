/** Judges a parsed rule for a caller and a target. */
import type { Check, Left, Template } from './language.ts';

/** What rules can ask about the caller: `roles`, `user_id`, `project_id`, `domain_id`, `system_scope`, … */
export type Credentials = Readonly<Record<string, unknown>> & { readonly roles: ReadonlySet<string> };

/** Attributes of what is acted upon. */
export type Target = Readonly<Record<string, unknown>>;

export type Rules = ReadonlyMap<string, Check>;

/** As the reference prints it: None for what is not there. */
function asText(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  return String(value);
}

/** The text, or null when the target lacks an attribute it names. */
function fill(template: Template, target: Target): string | null {
  let text = '';
  for (const part of template) {
    if (typeof part === 'string') text += part;
    else if (Object.hasOwn(target, part.target)) text += asText(target[part.target]);
    else return null;
  }
  return text;
}

function matchesLeft(left: Left, right: string, credentials: Credentials): boolean {
  if ('constant' in left) return left.constant === right;
  const value = Object.hasOwn(credentials, left.attribute) ? credentials[left.attribute] : undefined;
  if (value === undefined || value === null) return false;
  if (value instanceof Set) return value.has(right);
  return asText(value) === right;
}

/** A rule that is not there, or that refers to itself, lets nobody through. */
export function evaluate(
  check: Check,
  rules: Rules,
  credentials: Credentials,
  target: Target,
  depth = 0,
): boolean {
  const judge = (inner: Check) => evaluate(inner, rules, credentials, target, depth);
  switch (check.kind) {
    case 'always':
      return true;
    case 'never':
      return false;
    case 'and':
      return check.of.every(judge);
    case 'or':
      return check.of.some(judge);
    case 'not':
      return !judge(check.of);
    case 'rule': {
      const rule = rules.get(check.name);
      return rule !== undefined && depth < 32 && evaluate(rule, rules, credentials, target, depth + 1);
    }
    case 'role':
      return credentials.roles.has(fill(check.role, target)?.toLowerCase() ?? '');
    case 'match': {
      const right = fill(check.right, target);
      return right !== null && matchesLeft(check.left, right, credentials);
    }
  }
}
