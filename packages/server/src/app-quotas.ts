/** The source of quotas that the configuration names. */
import type { Log } from './base/log.ts';
import type { Config } from './config/schema.ts';
import { KeystoneClient } from './identity/keystone-client.ts';
import { noQuotas, openQuotaFile, type QuotaSource } from './policy/quotas.ts';
import { openUnifiedLimits } from './policy/unified-limits.ts';

export type OpenQuotas = QuotaSource & { close(): Promise<void> };

export function openQuotas({ quotas, identity }: Config, log: Log): OpenQuotas {
  switch (quotas.source) {
    case 'none':
      return { ...noQuotas, close: async () => {} };
    case 'file':
      return { ...openQuotaFile(quotas.file!, log), close: async () => {} };
    case 'keystone': {
      // Keystone shows the limits of all projects to the system scope alone, and to other tokens none.
      const keystone = new KeystoneClient(identity.keystone!, 'system');
      const source = openUnifiedLimits(keystone, {
        serviceType: quotas.serviceType,
        region: identity.keystone!.region,
      });
      return { enabled: true, of: (project) => source.of(project), close: () => keystone.close() };
    }
  }
}
