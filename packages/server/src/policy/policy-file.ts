/** A policy file as operators have it: YAML or JSON, rule name → rule; only what differs from the defaults. */
import { parse } from 'yaml';
import { type Check, PolicySyntaxError, parseRule } from './language.ts';
import { ruleDefaults } from './rule-names.ts';

export interface PolicyFile {
  readonly rules: ReadonlyMap<string, Check>;
  /** What the operator should know, in sentences: unknown names and the like. */
  readonly warnings: readonly string[];
}

function readMapping(text: string): Record<string, unknown> {
  let document: unknown;
  try {
    document = parse(text, { uniqueKeys: true });
  } catch (cause) {
    throw new PolicySyntaxError(
      `it is neither YAML nor JSON: ${cause instanceof Error ? cause.message : cause}`,
    );
  }
  if (document === null || document === undefined) return {};
  if (typeof document !== 'object' || Array.isArray(document))
    throw new PolicySyntaxError('it is not a mapping of rule names to rules');
  return document as Record<string, unknown>;
}

/** Names that a rule refers to. */
function references(check: Check): string[] {
  switch (check.kind) {
    case 'rule':
      return [check.name];
    case 'and':
    case 'or':
      return check.of.flatMap(references);
    case 'not':
      return references(check.of);
    default:
      return [];
  }
}

function checkReferences(rules: ReadonlyMap<string, Check>): void {
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) throw new PolicySyntaxError(`rule "${name}" refers to itself`);
    const check = rules.get(name);
    const from = path.at(-1);
    if (check === undefined)
      throw new PolicySyntaxError(`rule "${from}" refers to "${name}", which is not there`);
    for (const inner of references(check)) visit(inner, [...path, name]);
  };
  for (const name of rules.keys()) visit(name, []);
}

/** The defaults with the file's rules over them. Fails with PolicySyntaxError, naming the rule. */
export function readPolicyFile(text: string): PolicyFile {
  const given = readMapping(text);
  const rules = new Map<string, Check>();
  for (const [name, { check }] of ruleDefaults) rules.set(name, parseRule(check));
  for (const [name, rule] of Object.entries(given)) {
    try {
      rules.set(name, parseRule(rule));
    } catch (error) {
      throw new PolicySyntaxError(`rule "${name}": ${error instanceof Error ? error.message : error}`);
    }
  }
  checkReferences(rules);
  const referred = new Set([...rules.values()].flatMap(references));
  const unused = Object.keys(given).filter((name) => !ruleDefaults.has(name) && !referred.has(name));
  return { rules, warnings: unused.map((name) => `No route asks for rule "${name}".`) };
}
