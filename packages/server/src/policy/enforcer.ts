/** Who may do what: the reference's rule names with its default personas (reader, member, admin). */
import { Failure } from '../base/failure.ts';
import type { Caller } from '../identity/caller.ts';

export interface PolicyTarget {
  readonly owner: string | null;
  readonly visibility: string;
}

type Check = (caller: Caller, target: PolicyTarget) => boolean;

const isAdmin: Check = (caller) => caller.roles.has('admin');
const owns: Check = (caller, target) => caller.projectId !== null && caller.projectId === target.owner;
const opened: Check = (_caller, target) =>
  target.owner === null || target.visibility === 'public' || target.visibility === 'community';

const memberOfOwner: Check = (caller, target) =>
  isAdmin(caller, target) || (caller.roles.has('member') && owns(caller, target));

const rules = {
  get_images: (caller) => caller.roles.has('reader'),
  get_image: (caller, target) =>
    isAdmin(caller, target) ||
    (caller.roles.has('reader') && (owns(caller, target) || opened(caller, target))),
  download_image: (caller, target) =>
    isAdmin(caller, target) ||
    (caller.roles.has('member') && (owns(caller, target) || opened(caller, target))),
  add_image: memberOfOwner,
  modify_image: memberOfOwner,
  delete_image: memberOfOwner,
  upload_image: memberOfOwner,
  communitize_image: memberOfOwner,
  publicize_image: isAdmin,
} as const satisfies Record<string, Check>;

export type Rule = keyof typeof rules;

const needs: Readonly<Record<Rule, string>> = {
  get_images: 'the role reader',
  get_image: 'the role reader',
  download_image: 'the role member',
  add_image: 'the role member in the project that is to own the image',
  modify_image: 'the role member in the project that owns the image',
  delete_image: 'the role member in the project that owns the image',
  upload_image: 'the role member in the project that owns the image',
  communitize_image: 'the role member in the project that owns the image',
  publicize_image: 'the role admin',
};

export function isAllowed(rule: Rule, caller: Caller, target: PolicyTarget): boolean {
  return rules[rule](caller, target);
}

/** Fails with forbidden, naming the rule and what it asks for. */
export function require(rule: Rule, caller: Caller, target: PolicyTarget): void {
  if (!isAllowed(rule, caller, target))
    throw new Failure('forbidden', `You are not allowed to do this (${rule}): it needs ${needs[rule]}.`);
}

/** Administrators act across projects. */
export function actsAcrossProjects(caller: Caller): boolean {
  return caller.roles.has('admin');
}
