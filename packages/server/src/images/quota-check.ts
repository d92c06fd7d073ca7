/** Whether a project has room for more: asked in the transaction that takes the room, so nobody else takes it meanwhile. */
import type { Queries } from '../database/queries.ts';
import { checkQuota, type QuotaName, type Quotas } from '../policy/quotas.ts';
import { lockUsage, usageOf } from './quota-records.ts';

/** In the units of the quotas: MiB and images. */
export type Demand = Partial<Record<QuotaName, number>>;

export function mebibytes(bytes: number): number {
  return bytes / 2 ** 20;
}

/** Fails with quota_exceeded. Images without owner count for nobody. */
export async function requireRoom(
  queries: Queries,
  quotas: Quotas,
  owner: string | null,
  demand: Demand,
): Promise<void> {
  const asked = (Object.entries(demand) as [QuotaName, number][]).filter(([name]) => quotas[name] !== null);
  if (owner === null || asked.length === 0) return;
  await lockUsage(queries, owner);
  const usage = await usageOf(queries, owner);
  for (const [name, more] of asked) checkQuota(quotas, usage, name, more);
}
