/** URLs of sources: read strictly, judged by the operator's rules, and shown without what is secret in them. */
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { Failure } from '../failure.ts';
import { covers, refusedAs } from './address.ts';

/** What an operator lets be fetched. */
export interface FetchRules {
  /** `http`, `https`. */
  readonly allowedSchemes: readonly string[];
  /** Empty: any. */
  readonly allowedPorts: readonly number[];
  /** Names, `*.domain` for all names below it, or addresses as they stand in URLs. Empty: any. */
  readonly allowedHosts: readonly string[];
  /** The same, and networks (CIDR); also refuses names that resolve to such an address. Wins over `allowedHosts`. */
  readonly deniedHosts: readonly string[];
  /** Loopback, private and shared address space. Link-local, metadata and reserved addresses stay refused. */
  readonly allowPrivateAddresses: boolean;
}

/** Characters of a URL in a message. */
const longest = 300;

const defaultPorts: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** An absolute URL with a host, before a parser mends anything. */
const absolute = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?(?<host>\[[^\]]*\]|[^/?#:]*)/i;

/** Those, line ends and tabs among them, are dropped or turned by parsers, each in its own way. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const misleading = /[\u0000-\u0020\u007f\\]/;

/** Fails with source_url_invalid; the text itself is not quoted, since it may hold a password anywhere. */
export function parseUrl(text: string): URL {
  if (misleading.test(text) || !URL.canParse(text))
    throw invalid('It must be an absolute URL such as https://host/path, percent-encoded where needed.');
  const url = new URL(text);
  if (!Object.hasOwn(defaultPorts, url.protocol)) return url;
  const written = absolute.exec(text)?.groups?.host;
  if (!written) throw invalid(`After ${url.protocol} it must have // and a host.`);
  // 0x7f.1, 2130706433 and 0177.0.0.1 are loopback to some and a name to others.
  if (isIP(url.hostname) === 4 && written !== url.hostname)
    throw invalid('Its address must be written as four decimal numbers.');
  return url;
}

/** Fails with source_not_allowed or, for an address that stands in the URL itself, address_blocked. */
export function checkRules(url: URL, rules: FetchRules): void {
  const scheme = url.protocol.slice(0, -1);
  const known = rules.allowedSchemes.filter((one) => Object.hasOwn(defaultPorts, `${one}:`));
  if (!known.includes(scheme))
    throw notAllowed(url, `its scheme is ${scheme}, allowed are ${known.join(', ') || 'none'}`);
  if (rules.allowedPorts.length > 0 && !rules.allowedPorts.includes(portOf(url)))
    throw notAllowed(url, `its port is ${portOf(url)}, allowed are ${rules.allowedPorts.join(', ')}`);
  const host = hostOf(url);
  const isAllowed = rules.allowedHosts.length === 0 || rules.allowedHosts.some((one) => names(one, host));
  if (!isAllowed || rules.deniedHosts.some((one) => names(one, host)))
    throw notAllowed(url, 'its host is not allowed');
  if (isIP(host) !== 0) checkAddress(url, host, rules);
}

/** Fails with address_blocked or source_not_allowed. The message keeps to itself what a name resolved to. */
export function checkAddress(url: URL, address: string, rules: FetchRules): void {
  const why = refusedAs(address, rules.allowPrivateAddresses);
  const cause = new Error(`The address is ${address}.`);
  if (why !== null) {
    const sentence = `Could not retrieve image from '${shown(url)}': its host has an address that may not be connected to (${why}).`;
    throw new Failure('address_blocked', sentence, { cause });
  }
  if (rules.deniedHosts.some((one) => covers(one, address)))
    throw notAllowed(url, 'its host is not allowed', cause);
}

/** Without credentials and without what a query may hold of them. */
export function shown(url: URL): string {
  if (!Object.hasOwn(defaultPorts, url.protocol)) return `${url.protocol}…`;
  const text = `${url.protocol}//${url.host}${url.pathname}${url.search === '' ? '' : '?…'}`;
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}

/** The name or the address, without the brackets of IPv6 and the dots that end a full name. */
export function hostOf(url: URL): string {
  return bare(url.hostname);
}

export function portOf(url: URL): number {
  return url.port === '' ? defaultPorts[url.protocol]! : Number(url.port);
}

function names(entry: string, host: string): boolean {
  const isDomain = entry.startsWith('*.');
  const written = isDomain ? entry.slice(2) : entry;
  const name = bare(domainToASCII(written) || written);
  return isDomain ? host.endsWith(`.${name}`) : host === name;
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '').replace(/\.+$/, '');
}

function invalid(why: string): Failure {
  return new Failure('source_url_invalid', `The URL cannot be used. ${why}`);
}

function notAllowed(url: URL, why: string, cause?: Error): Failure {
  return new Failure('source_not_allowed', `The URL '${shown(url)}' may not be used: ${why}.`, { cause });
}
