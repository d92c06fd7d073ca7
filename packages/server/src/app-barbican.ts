/** Where the configuration says that the key manager is. */
import type { Config } from './config/schema.ts';
import { type FindKeyManager, keyManagerAt, keyManagerOf } from './identity/barbican-endpoint.ts';
import { KeystoneClient } from './identity/keystone-client.ts';

export interface KeyManagerPlace {
  readonly find: FindKeyManager;
  /** Certificate authorities to trust instead of the system's. */
  readonly caFile: string | null;
  close(): Promise<void>;
}

/** Where certificates are read from Barbican that one, else the one beside the Keystone whose tokens callers bring; null: neither. */
export function placeKeyManager({
  signatures: { certificates },
  identity: { mode, keystone },
}: Config): KeyManagerPlace | null {
  const { source, endpoint, caFile } = certificates;
  const isNamed = source === 'barbican';
  if (isNamed && endpoint !== null) return { find: keyManagerAt(endpoint), caFile, close: async () => {} };
  if (keystone === null || (mode !== 'keystone' && !isNamed)) return null;
  const client = new KeystoneClient(keystone);
  return {
    find: keyManagerOf(client, keystone.region),
    caFile: isNamed ? caFile : keystone.caFile,
    close: () => client.close(),
  };
}
