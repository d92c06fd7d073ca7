/** The credentials of an s3 store; those of a file are read again when it changes, so that they can be rotated. */
import { readFile, stat } from 'node:fs/promises';
import type { S3StoreOptions } from './options.ts';

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** Undefined: the SDK looks where it always does. */
export function credentialsOf(
  options: S3StoreOptions,
): Credentials | (() => Promise<Credentials>) | undefined {
  const { accessKey, secretKey, credentialsFile } = options;
  if (accessKey !== null && secretKey !== null) return { accessKeyId: accessKey, secretAccessKey: secretKey };
  return credentialsFile === null ? undefined : credentialsFrom(credentialsFile);
}

function credentialsFrom(file: string): () => Promise<Credentials> {
  let known: { changed: string; credentials: Credentials } | null = null;
  return async () => {
    const { mtimeMs, size, ino } = await stat(file);
    const changed = `${mtimeMs} ${size} ${ino}`;
    if (known?.changed !== changed)
      known = { changed, credentials: parse(file, await readFile(file, 'utf8')) };
    // About to expire: the SDK asks again before each request.
    return { ...known.credentials, expiration: new Date(Date.now() + 1000) };
  };
}

function parse(file: string, text: string): Credentials {
  const found = new Map<string, string>();
  let section = 'default';
  for (const line of text.split('\n')) {
    const header = /^\s*\[\s*(?:profile\s+)?(.*?)\s*\]/.exec(line)?.[1];
    if (header !== undefined) section = header;
    const [, name, value] = /^\s*([a-z_]+)\s*=\s*(\S+)\s*$/i.exec(line) ?? [];
    if (section === 'default' && name !== undefined) found.set(name.toLowerCase(), value!);
  }
  const [accessKeyId, secretAccessKey, sessionToken] = [
    'access_key_id',
    'secret_access_key',
    'session_token',
  ].map((name) => found.get(`aws_${name}`));
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new Error(`${file} lacks aws_access_key_id or aws_secret_access_key in its section [default]`);
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}
