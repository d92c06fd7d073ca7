/** Quotas from Keystone's unified limits: registered limits of our service, and the overrides of projects. */
import type { KeystoneClient } from '../identity/keystone-client.ts';
import { type QuotaName, type QuotaSource, type Quotas, quotaNames, unlimited } from './quotas.ts';

/** Milliseconds that limits are remembered. */
const rememberMs = 30_000;
const rememberMost = 10_000;

interface Limit {
  readonly resource_name: string;
  readonly default_limit?: number;
  readonly resource_limit?: number;
  readonly region_id?: string | null;
}

export interface UnifiedLimitOptions {
  /** `image` in the service catalogue. */
  readonly serviceType: string;
  readonly region: string | null;
}

/** Of two limits for one resource, the one for our region counts. */
function merge(
  quotas: Record<QuotaName, number | null>,
  limits: readonly Limit[],
  region: string | null,
): void {
  const ranked = limits.toSorted((a, b) => Number(a.region_id === region) - Number(b.region_id === region));
  for (const { resource_name, resource_limit, default_limit, region_id } of ranked) {
    const isOurs = region_id === null || region_id === undefined || region_id === region;
    const value = resource_limit ?? default_limit;
    if (isOurs && value !== undefined && quotaNames.includes(resource_name as QuotaName))
      quotas[resource_name as QuotaName] = value === -1 ? null : value;
  }
}

class UnifiedLimits implements QuotaSource {
  readonly enabled = true;
  readonly #keystone: KeystoneClient;
  readonly #options: UnifiedLimitOptions;
  readonly #known = new Map<string, { readonly quotas: Quotas; readonly since: number }>();
  #service: string | null = null;

  constructor(keystone: KeystoneClient, options: UnifiedLimitOptions) {
    this.#keystone = keystone;
    this.#options = options;
  }

  async of(project: string | null): Promise<Quotas> {
    const key = project ?? '';
    const now = Date.now();
    const known = this.#known.get(key);
    if (known !== undefined && now >= known.since && now - known.since < rememberMs) return known.quotas;
    const quotas = await this.#ask(project);
    if (this.#known.size >= rememberMost) this.#known.clear();
    this.#known.set(key, { quotas, since: now });
    return quotas;
  }

  async #ask(project: string | null): Promise<Quotas> {
    const service = await this.#serviceId();
    const quotas = { ...unlimited };
    if (service === null) return quotas;
    const registered = await this.#keystone.get<{ registered_limits: Limit[] }>(
      `/registered_limits?service_id=${encodeURIComponent(service)}`,
    );
    merge(quotas, registered.registered_limits, this.#options.region);
    if (project === null) return quotas;
    const own = await this.#keystone.get<{ limits: Limit[] }>(
      `/limits?service_id=${encodeURIComponent(service)}&project_id=${encodeURIComponent(project)}`,
    );
    merge(quotas, own.limits, this.#options.region);
    return quotas;
  }

  /** null while the catalogue does not have us. */
  async #serviceId(): Promise<string | null> {
    if (this.#service !== null) return this.#service;
    const { services } = await this.#keystone.get<{ services: { id: string }[] }>(
      `/services?type=${encodeURIComponent(this.#options.serviceType)}`,
    );
    this.#service = services[0]?.id ?? null;
    return this.#service;
  }
}

export function openUnifiedLimits(keystone: KeystoneClient, options: UnifiedLimitOptions): QuotaSource {
  return new UnifiedLimits(keystone, options);
}
