/** Who may do what: the rules in force, re-read when the operator's file changes. */
import { readFileSync, statSync } from 'node:fs';
import { Failure } from '../base/failure.ts';
import type { Log } from '../base/log.ts';
import type { Caller } from '../identity/caller.ts';
import { type Credentials, evaluate, type Target } from './evaluate.ts';
import { type PolicyFile, readPolicyFile } from './policy-file.ts';

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

/** Tells one state of a file from another. */
function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? 'absent' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`;
}

class FilePolicy implements Policy {
  readonly #file: string | null;
  readonly #log: Log;
  #stamp = '';
  #current: PolicyFile;

  constructor(file: string | null, log: Log) {
    this.#file = file;
    this.#log = log;
    if (file !== null) this.#stamp = stampOf(file);
    this.#current = readPolicyFile(file === null ? '' : readFileSync(file, 'utf8'));
    for (const warning of this.#current.warnings) log.warn({ file }, warning);
  }

  isAllowed(rule: string, caller: Caller, target: Target): boolean {
    this.#refresh();
    const { rules } = this.#current;
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

  /** A broken file leaves the rules before it in force. */
  #refresh(): void {
    if (this.#file === null) return;
    const stamp = stampOf(this.#file);
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    try {
      this.#current = readPolicyFile(readFileSync(this.#file, 'utf8'));
      for (const warning of this.#current.warnings) this.#log.warn({ file: this.#file }, warning);
      this.#log.info({ file: this.#file }, 'the policy file was read again');
    } catch (err) {
      this.#log.error(
        { err, file: this.#file },
        'the policy file is broken: the rules before it stay in force',
      );
    }
  }
}

/** `file` null: the defaults. Fails when the file cannot be read at the start. */
export function openPolicy(file: string | null, log: Log): Policy {
  return new FilePolicy(file, log);
}
