/** The configuration as YAML for a person, secrets masked. */
import { stringify } from 'yaml';
import { maskCredentials } from '../base/log.ts';
import type { Config } from './schema.ts';

export function printConfig(config: Config): string {
  const { url } = config.database;
  const database = { ...config.database, url: url === null ? null : maskCredentials(url) };
  const { keystone } = config.identity;
  const identity = {
    ...config.identity,
    keystone: keystone === null ? null : { ...keystone, password: '***' },
  };
  return stringify({ ...config, database, identity });
}
