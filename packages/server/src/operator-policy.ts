/** What an operator asks of a policy: is the file good, and who may do what under it. */
import { readFile } from 'node:fs/promises';
import { Failure } from './base/failure.ts';
import { createCaller } from './identity/caller.ts';
import { evaluate } from './policy/evaluate.ts';
import { credentialsOf, imageTarget } from './policy/policy.ts';
import { type PolicyFile, readPolicyFile } from './policy/policy-file.ts';
import { ruleDefaults } from './policy/rule-names.ts';

export interface PolicyVerdict {
  /** What is acted upon, in words. */
  readonly on: string;
  readonly allowed: boolean;
}

/** Images as the project `mine` meets them. */
const situations = [
  { on: 'an image of the own project', owner: 'mine', visibility: 'private', member: null },
  { on: "another project's private image", owner: 'other', visibility: 'private', member: null },
  { on: "another project's image, shared with us", owner: 'other', visibility: 'shared', member: 'mine' },
  { on: "another project's community image", owner: 'other', visibility: 'community', member: null },
  { on: "another project's public image", owner: 'other', visibility: 'public', member: null },
] as const;

async function read(file: string | null): Promise<PolicyFile> {
  try {
    return readPolicyFile(file === null ? '' : await readFile(file, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Failure('bad_request', `The policy file ${file} cannot be used: ${why}.`, { cause });
  }
}

/** Warnings; fails when the file cannot be used. */
export async function checkPolicy(file: string): Promise<readonly string[]> {
  return (await read(file)).warnings;
}

/** Whether a caller with these roles passes `rule`, image by image. `file` null: the defaults. */
export async function explainPolicy(
  file: string | null,
  rule: string,
  roles: readonly string[],
): Promise<PolicyVerdict[]> {
  const { rules } = await read(file);
  const check = rules.get(rule);
  if (check === undefined)
    throw new Failure(
      'not_found',
      `There is no rule "${rule}"; known are ${[...ruleDefaults.keys()].join(', ')}.`,
    );
  const caller = createCaller({ userId: 'user', projectId: 'mine', roles });
  return situations.map(({ on, owner, visibility, member }) => {
    const target = { ...imageTarget({ owner, visibility }), member_id: member };
    return { on, allowed: evaluate(check, rules, credentialsOf(caller), target) };
  });
}
