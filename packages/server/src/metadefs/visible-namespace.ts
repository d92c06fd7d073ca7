/** What every verb of this folder begins with: a namespace that the caller may know of, and a rule that lets it pass. */
import { Failure } from '../base/failure.ts';
import type { Database } from '../database/connect.ts';
import type { Queries } from '../database/queries.ts';
import type { Caller } from '../identity/caller.ts';
import type { Target } from '../policy/evaluate.ts';
import type { Policy } from '../policy/policy.ts';
import { isVisible, type Namespace, selectNamespace, type Viewer } from './namespace-records.ts';
import { namespaceNotFound } from './refusals.ts';

export interface MetadefParts {
  readonly database: Database;
  readonly policy: Policy;
}

export function viewerOf(policy: Policy, caller: Caller): Viewer {
  return { projectId: caller.projectId, isAdmin: policy.isAdmin(caller) };
}

/** What a rule can ask about a namespace: its attributes, `project_id` for its owner. */
export function namespaceTarget(namespace: Namespace): Target {
  return { ...namespace, project_id: namespace.owner };
}

async function visible(
  queries: Queries,
  policy: Policy,
  caller: Caller,
  name: string,
  lock: boolean,
): Promise<Namespace> {
  const namespace = await selectNamespace(queries, name, lock);
  if (namespace === undefined || !isVisible(namespace, viewerOf(policy, caller)))
    throw namespaceNotFound(name);
  return namespace;
}

/** Fails with namespace_not_found unless it is there and public, the caller's own, or the caller an administrator. */
export async function findNamespace(
  queries: Queries,
  policy: Policy,
  caller: Caller,
  name: string,
): Promise<Namespace> {
  return await visible(queries, policy, caller, name, false);
}

/** As `findNamespace`, and until the transaction ends nobody else changes the namespace or what it defines. */
export async function lockNamespace(
  queries: Queries,
  policy: Policy,
  caller: Caller,
  name: string,
): Promise<Namespace> {
  return await visible(queries, policy, caller, name, true);
}

/** Fails with forbidden; with namespace_not_found when the caller may not even read the namespace. */
export function requireIn(policy: Policy, rule: string, caller: Caller, namespace: Namespace): void {
  const target = namespaceTarget(namespace);
  if (policy.isAllowed(rule, caller, target)) return;
  if (!policy.isAllowed('get_metadef_namespace', caller, target))
    throw namespaceNotFound(namespace.namespace);
  policy.require(rule, caller, target);
}

/** Fails with namespace_protected. */
export function requireUnprotected(namespace: Namespace): void {
  if (namespace.protected)
    throw new Failure(
      'namespace_protected',
      `Namespace ${namespace.namespace} is protected: nothing of it can be deleted.`,
    );
}

/** Fails with forbidden: only administrators hand namespaces from one project to another. */
export function requireHandover(
  policy: Policy,
  caller: Caller,
  from: string | null,
  to: string | null,
): void {
  if (from !== to && !policy.isAdmin(caller))
    throw new Failure('forbidden', 'Only an administrator may give a namespace to another project.');
}
