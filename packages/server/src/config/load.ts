/** The configuration: file, then environment, then command line; validated and frozen before anything opens. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import { parse } from 'yaml';
import { ConfigError } from './config-error.ts';
import { readEnvironment } from './environment.ts';
import { explain } from './explain.ts';
import { type Config, configSchema } from './schema.ts';

export interface ConfigSources {
  /** A YAML or JSON file. */
  readonly file?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** From the command line: `listen`, `dataDir`. */
  readonly overrides?: Partial<Pick<Config, 'listen' | 'dataDir'>>;
}

const compiled = Compile(configSchema);

async function readFileSettings(file: string | undefined): Promise<Record<string, unknown>> {
  if (file === undefined) return {};
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new ConfigError(`The configuration file ${file} cannot be read.`, { cause });
  });
  const settings = parseYaml(file, text);
  if (settings === null || settings === undefined) return {};
  if (typeof settings !== 'object' || Array.isArray(settings))
    throw new ConfigError(`The configuration file ${file} must be a mapping of settings.`);
  return settings as Record<string, unknown>;
}

function parseYaml(file: string, text: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`The configuration file ${file} is not YAML: ${why}`, { cause });
  }
}

/** `over` wins, level by level; arrays are replaced whole. */
function merge(under: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const before = merged[key];
    merged[key] = isMapping(before) && isMapping(value) ? merge(before, value) : value;
  }
  return merged;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(freeze);
    Object.freeze(value);
  }
  return value;
}

function isLoopback(listen: string): boolean {
  const host = listen.slice(0, listen.lastIndexOf(':'));
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

function checkSignatures({ signatures, identity }: Config): void {
  const { source, endpoint, folder, url } = signatures.certificates;
  const where = 'signatures.certificates';
  if (source === 'none' && signatures.required)
    throw new ConfigError(`signatures.required needs certificates to verify with: set ${where}.source.`);
  if ((source === 'folder' && folder === null) || (source === 'url' && url === null))
    throw new ConfigError(`${where}.source is "${source}", but ${where}.${source} is not set.`);
  if (source !== 'barbican') return;
  // It is asked with the caller's token, and of no other kind of token it may ever learn.
  if (identity.mode !== 'keystone' && identity.mode !== 'headers')
    throw new ConfigError(`${where}.source "barbican" needs identity.mode "keystone" or "headers".`);
  if (endpoint === null && identity.keystone === null)
    throw new ConfigError(`Without identity.keystone ${where}.endpoint must say where Barbican is.`);
}

/** What conversion makes are images like others. */
function checkConversion({ import: { convertTo }, stores, images }: Config): void {
  const wanted = stores.map((store, index) => ({
    setting: `stores[${index}].convertTo`,
    format: 'convertTo' in store ? store.convertTo : null,
  }));
  for (const { setting, format } of [{ setting: 'import.convertTo', format: convertTo }, ...wanted])
    if (format !== null && !images.diskFormats.includes(format))
      throw new ConfigError(`${setting} is "${format}", which images.diskFormats does not have.`);
}

function checkTogether(config: Config): void {
  checkSignatures(config);
  checkConversion(config);
  if (config.identity.mode === 'none' && !isLoopback(config.listen))
    throw new ConfigError(
      `identity.mode "none" lets everybody in, so it needs a loopback address; listen is ${config.listen}.`,
    );
  const { mode } = config.identity;
  if ((mode === 'keystone' || mode === 'oidc') && config.identity[mode] === null)
    throw new ConfigError(`identity.mode is "${mode}", but identity.${mode} is not set.`);
  const { source, file } = config.quotas;
  if (source === 'file' && file === null)
    throw new ConfigError('quotas.source is "file", but quotas.file is not set.');
  if (source === 'keystone' && config.identity.keystone === null)
    throw new ConfigError('quotas.source is "keystone", but identity.keystone is not set.');
  const ids = config.stores.map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw new ConfigError(`Two stores have the id "${twice}".`);
  if (config.defaultStore !== null && !ids.includes(config.defaultStore))
    throw new ConfigError(`defaultStore is "${config.defaultStore}", but no store has this id.`);
  const hooks = config.events.webhooks.map(({ id }) => id);
  const twin = hooks.find((id, index) => hooks.indexOf(id) !== index);
  if (twin !== undefined) throw new ConfigError(`Two webhooks have the id "${twin}".`);
  const { perWorker, perProject, total } = config.flows;
  if (total !== null && total < Math.max(perWorker, perProject))
    throw new ConfigError('flows.total is smaller than flows.perWorker or flows.perProject.');
  if (config.images.limitDefault > config.images.limitMax)
    throw new ConfigError('images.limitDefault is larger than images.limitMax.');
}

/** Fails with a ConfigError whose sentence names the setting. */
export async function loadConfig(sources: ConfigSources): Promise<Config> {
  const fromFile = await readFileSettings(sources.file);
  const given = merge(merge(fromFile, readEnvironment(sources.environment ?? {})), { ...sources.overrides });
  const settings = Value.Default(configSchema, structuredClone(given));
  if (!compiled.Check(settings)) throw explain(given, settings, compiled.Errors(settings));
  checkTogether(settings);
  return freeze({ ...settings, dataDir: path.resolve(settings.dataDir) });
}
