/** GET /v2/metadefs/namespaces: one page of what the caller may see, with the resource types each is for. */
import type { Caller } from '../identity/caller.ts';
import { type FullNamespace, withDefinitions } from './full-namespace.ts';
import {
  type Namespace,
  type NamespaceFilter,
  namespaceSortKeys,
  selectNamespaces,
} from './namespace-records.ts';
import { oneOf, type PageLimits, type PageQuery, parameter, readPage } from './page-query.ts';
import { rules } from './rules.ts';
import { findNamespace, type MetadefParts, namespaceTarget, viewerOf } from './visible-namespace.ts';

export interface NamespaceList {
  readonly namespaces: FullNamespace[];
  /** The marker of the next page; null when this page was not full. */
  readonly next: string | null;
}

function readFilter(query: URLSearchParams): NamespaceFilter {
  const visibility = parameter(query, 'visibility');
  return {
    visibility: visibility === null ? null : oneOf('visibility', visibility, ['public', 'private']),
    resourceTypes: parameter(query, 'resource_types')?.split(',') ?? null,
  };
}

type Page = PageQuery<(typeof namespaceSortKeys)[number]>;

/** Those that the rule for one namespace lets through, and whether there may be more of them. */
async function selectAllowed(
  { database, policy }: MetadefParts,
  caller: Caller,
  filter: NamespaceFilter,
  page: Page,
): Promise<{ shown: Namespace[]; isMore: boolean }> {
  const viewer = viewerOf(policy, caller);
  let after = page.marker === null ? null : await findNamespace(database.db, policy, caller, page.marker);
  const shown: Namespace[] = [];
  let isMore = page.limit > 0;
  while (isMore && shown.length < page.limit) {
    const wanted = page.limit - shown.length;
    const rows = await selectNamespaces(database.db, viewer, filter, { ...page, limit: wanted }, after);
    for (const row of rows)
      if (policy.isAllowed('get_metadef_namespace', caller, namespaceTarget(row))) shown.push(row);
    isMore = rows.length === wanted;
    after = rows.at(-1) ?? null;
  }
  return { shown, isMore };
}

/** Fails with invalid_query, forbidden, or namespace_not_found for the marker. */
export async function listNamespaces(
  parts: MetadefParts,
  caller: Caller,
  query: URLSearchParams,
  limits: PageLimits,
): Promise<NamespaceList> {
  const { database, policy } = parts;
  const own = { project_id: caller.projectId };
  policy.require('get_metadef_namespaces', caller, own);
  policy.require(rules.resource_type.list, caller, own);
  const page = readPage(query, namespaceSortKeys, limits);
  const { shown, isMore } = await selectAllowed(parts, caller, readFilter(query), page);
  return {
    namespaces: await withDefinitions(database.db, shown, 'resource_type'),
    next: isMore ? shown.at(-1)!.namespace : null,
  };
}
