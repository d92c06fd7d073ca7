/** How much is in an account, and what its quotas leave. */
import type { StoreCapacity } from '../store.ts';
import { type Answer, header } from './wire.ts';

/** What Swift counts in an account or a container, in bytes. */
export interface Counted {
  readonly used: number;
  /** null: there is none. */
  readonly quota: number | null;
}

/** Null: it does not tell. */
export function countedIn(answer: Pick<Answer, 'headers'>, kind: 'account' | 'container'): Counted | null {
  const [used, quota] = ['bytes-used', 'meta-quota-bytes'].map((name) => {
    const text = header(answer, `x-${kind}-${name}`) ?? '';
    return /^\d{1,15}$/.test(text) ? Number(text) : null;
  });
  return typeof used === 'number' ? { used, quota: quota ?? null } : null;
}

/**
 * By the quota that leaves least. Null is what nobody tells, or not to us. `segments` are where the data of large images goes, or
 * null when that is in several containers. A quota of the container itself counts large images by their manifests, and so bounds nothing.
 */
export function capacityOf(
  account: Counted | null,
  container: Counted | null,
  segments: Counted | null,
): StoreCapacity {
  const bounds = [account, segments].flatMap((counted) =>
    counted === null || counted.quota === null ? [] : { used: counted.used, quota: counted.quota },
  );
  const [tightest] = bounds.toSorted((one, other) => one.quota - one.used - (other.quota - other.used));
  if (tightest !== undefined) {
    const { used, quota } = tightest;
    return { usedBytes: used, totalBytes: quota, freeBytes: Math.max(0, quota - used) };
  }
  const ours = container === null || segments === null ? null : container.used + segments.used;
  return { usedBytes: account?.used ?? ours, totalBytes: null, freeBytes: null };
}
