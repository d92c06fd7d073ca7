/** The options that every command has, completed from the environment. */
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, ImageClient } from '@tintype/client';
import type { Command } from 'commander';
import { systemError, UsageError } from './command-error.ts';
import { version } from './version.ts';

export const defaultEndpoint = 'http://127.0.0.1:9292';
/** Where `tintype serve` puts the administrator's token unless told otherwise. */
export const defaultTokenFile = 'tintype-data/admin.token';

export interface Settings {
  readonly json: boolean;
  /** Neither progress nor notes. */
  readonly quiet: boolean;
  readonly debug: boolean;
}

interface GlobalOptions {
  json?: true;
  quiet?: true;
  debug?: true;
  endpoint?: string;
  token?: string;
  tokenFile?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function readSettings(command: Command): Settings {
  const { json = false, quiet = false, debug = false } = command.optsWithGlobals<GlobalOptions>();
  return { json, quiet, debug };
}

export interface Access {
  readonly endpoint: string;
  /** undefined: requests go without. */
  readonly token: string | undefined;
}

/** Where the server is and with which token, by options, then environment, then defaults. */
export function findAccess(options: GlobalOptions, environment: Environment): Access {
  const endpoint =
    options.endpoint ||
    environment.TINTYPE_ENDPOINT ||
    environment.OS_IMAGE_ENDPOINT_OVERRIDE ||
    environment.OS_ENDPOINT ||
    defaultEndpoint;
  const token =
    options.token ||
    (options.tokenFile && readTokenFile(options.tokenFile)) ||
    environment.TINTYPE_TOKEN ||
    (environment.TINTYPE_TOKEN_FILE && readTokenFile(environment.TINTYPE_TOKEN_FILE)) ||
    environment.OS_TOKEN ||
    localToken(endpoint);
  return { endpoint, token: token || undefined };
}

export function connect(command: Command): ImageClient {
  return new ImageClient(connectionTo(command));
}

/** How to speak to the server that was named, or to that at `endpoint`. */
export function connectionTo(command: Command, endpoint?: string): ConnectionOptions {
  const options = command.optsWithGlobals<GlobalOptions>();
  const access = findAccess(endpoint === undefined ? options : { ...options, endpoint }, process.env);
  return { ...access, userAgent: `tintype/${version()}` };
}

function readTokenFile(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (thrown) {
    throw systemError(`read the token file ${file}`, thrown);
  }
  if (text === '') throw new UsageError(`the token file ${file} is empty`);
  return text;
}

/** The token of a server started in this folder, for a server on this machine only: no other must learn it. */
function localToken(endpoint: string): string | undefined {
  const host = URL.canParse(endpoint) ? new URL(endpoint).hostname : '';
  if (!/^(localhost|127(\.\d+){3}|\[::1\])$/.test(host)) return undefined;
  try {
    return readFileSync(defaultTokenFile, 'utf8').trim();
  } catch {
    return undefined;
  }
}
