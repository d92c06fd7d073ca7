/** The record of an image at another image service, as far as an import takes it over. */
import { getHashes } from 'node:crypto';
import { Failure } from '../base/failure.ts';
import { checkAttribute, type Formats, isBaseAttribute } from '../images/attributes.ts';

export type RemoteImage = {
  /** Bytes. */
  readonly size: number;
  /** Algorithm → hex digest that the data has there. */
  readonly digests: { readonly [algorithm: string]: string };
  readonly disk_format: string;
  readonly container_format: string;
  readonly properties: { readonly [name: string]: string };
};

export interface RemoteRules {
  /** Beginnings of the names of properties that are taken over. */
  readonly copied: readonly string[];
  /** Those that images may have here. */
  readonly formats: Formats;
}

/** A signature is of whoever gives the data here: verified before it is there, not copied afterwards. */
const neverCopied = 'img_signature';

/** `what` names the image in messages. Fails with source_unusable, or source_unavailable when it is no record of an image. */
export function readRemoteImage(what: string, text: string, rules: RemoteRules): RemoteImage {
  const record = parse(what, text);
  const { status, size, disk_format, container_format } = record;
  if (status !== 'active') throw unusable(what, `is ${status}, not active`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw unusable(what, 'does not say how large it is');
  requireFormat(what, 'disk_format', disk_format, rules.formats.disk);
  requireFormat(what, 'container_format', container_format, rules.formats.container);
  const digests = digestsOf(record);
  return { size, digests, disk_format, container_format, properties: copiedOf(record, rules) };
}

function parse(what: string, text: string): Record<string, unknown> {
  try {
    const record: unknown = JSON.parse(text);
    if (typeof record === 'object' && record !== null) return { ...record };
  } catch {
    // Told below.
  }
  throw new Failure('source_unavailable', `The record of ${what} is not one of an image.`);
}

function requireFormat(
  what: string,
  name: string,
  value: unknown,
  known: readonly string[],
): asserts value is string {
  if (typeof value !== 'string' || !known.includes(value))
    throw unusable(what, `has ${name} '${String(value).slice(0, 80)}', which images here cannot have`);
}

/** The strongest that can be computed here. */
function digestsOf({ os_hash_algo, os_hash_value, checksum }: Record<string, unknown>) {
  const isHex = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]+$/i.test(value);
  if (typeof os_hash_algo === 'string' && isHex(os_hash_value) && getHashes().includes(os_hash_algo))
    return { [os_hash_algo]: os_hash_value.toLowerCase() };
  return isHex(checksum) ? { md5: checksum.toLowerCase() } : {};
}

function copiedOf(record: Record<string, unknown>, { copied, formats }: RemoteRules): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const [name, value] of Object.entries(record)) {
    const isWanted = copied.some((beginning) => name.startsWith(beginning));
    if (!isWanted || typeof value !== 'string' || !mayBeCopied(name, value, formats)) continue;
    properties[name] = value;
  }
  return properties;
}

function mayBeCopied(name: string, value: string, formats: Formats): boolean {
  if (isBaseAttribute(name) || name.startsWith(neverCopied)) return false;
  try {
    checkAttribute(name, value, formats);
    return true;
  } catch (error) {
    if (error instanceof Failure) return false;
    throw error;
  }
}

function unusable(what: string, why: string): Failure {
  return new Failure('source_unusable', `${what[0]!.toUpperCase()}${what.slice(1)} ${why}.`);
}
