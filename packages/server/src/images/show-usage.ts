/** GET /v2/info/usage: what the caller's project has, and may have (API section 6). */
import type { Caller } from '../identity/caller.ts';
import { type QuotaName, quotaNames } from '../policy/quotas.ts';
import type { ImageParts } from './parts.ts';
import { usageOf } from './quota-records.ts';

/** Empty when quotas are off or the caller has no project; `limit` -1: none. */
export type ShownUsage = Partial<Record<QuotaName, { readonly usage: number; readonly limit: number }>>;

export async function showUsage(
  parts: Pick<ImageParts, 'database' | 'quotas'>,
  caller: Caller,
): Promise<ShownUsage> {
  if (!parts.quotas.enabled || caller.projectId === null) return {};
  const quotas = await parts.quotas.of(caller.projectId);
  const usage = await usageOf(parts.database.db, caller.projectId);
  const shown = quotaNames.map((name) => [
    name,
    { usage: Math.ceil(usage[name]), limit: quotas[name] ?? -1 },
  ]);
  return Object.fromEntries(shown);
}
