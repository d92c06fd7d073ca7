/** Who may do what: the rules in force, re-read when the operator's file changes. */
import { Failure } from '../base/failure.ts';
import type { Log } from '../base/log.ts';
import type { Caller } from '../identity/caller.ts';
import { type Credentials, evaluate, type Target } from './evaluate.ts';
import { type PolicyFile, readPolicyFile } from './policy-file.ts';
import { WatchedFile } from './watched-file.ts';

export interface Policy {
  isAllowed(rule: string, caller: Caller, target: Target): boolean;
  /** Fails with forbidden, naming the rule. */
  require(rule: string, caller: Caller, target: Target): void;
  /** Administrators act across projects. */
  isAdmin(caller: Caller): boolean;
}

export function credentialsOf(caller: Caller): Credentials {
  return {
    roles: caller.roles,
    user_id: caller.userId,
    project_id: caller.projectId,
    tenant: caller.projectId,
    domain_id: caller.domainId,
    system_scope: caller.systemScope,
    user_domain_id: caller.userDomainId,
    project_domain_id: caller.projectDomainId,
    service_roles: caller.serviceRoles,
  };
}

/** What a rule can ask about an image: its attributes, `project_id` for its owner, its custom properties. */
export function imageTarget(image: {
  readonly owner: string | null;
  readonly visibility: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}): Target {
  return { ...image.properties, ...image, project_id: image.owner };
}

class RulePolicy implements Policy {
  readonly #source: { readonly current: PolicyFile };

  constructor(source: { readonly current: PolicyFile }) {
    this.#source = source;
  }

  isAllowed(rule: string, caller: Caller, target: Target): boolean {
    const { rules } = this.#source.current;
    const check = rules.get(rule);
    return check !== undefined && evaluate(check, rules, credentialsOf(caller), target);
  }

  require(rule: string, caller: Caller, target: Target): void {
    if (this.isAllowed(rule, caller, target)) return;
    throw new Failure('forbidden', `You are not allowed to do this: policy rule ${rule} refuses it.`);
  }

  isAdmin(caller: Caller): boolean {
    return this.isAllowed('context_is_admin', caller, {});
  }
}

/** `file` null: the defaults. Fails when the file cannot be read at the start. */
export function openPolicy(file: string | null, log: Log): Policy {
  const read = (text: string) => {
    const policy = readPolicyFile(text);
    for (const warning of policy.warnings) log.warn({ file }, warning);
    return policy;
  };
  return new RulePolicy(file === null ? { current: read('') } : new WatchedFile(file, read, log));
}
