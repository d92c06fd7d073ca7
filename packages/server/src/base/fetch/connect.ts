/** A connection to a source: its name resolved once, every address vetted, and no other address connected to. */
import { lookup } from 'node:dns/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import { Failure } from '../failure.ts';
import { unreachable } from './failures.ts';
import { checkAddress, type FetchRules, hostOf, portOf } from './source-url.ts';
import { within } from './within.ts';

/** All addresses of a name, in the order in which they are to be tried. */
export type Resolve = (name: string) => Promise<readonly string[]>;

export interface ConnectParts {
  readonly rules: FetchRules;
  readonly resolve: Resolve;
  readonly secureContext: SecureContext;
  /** Milliseconds to resolve, and again to connect with TLS. */
  readonly connectMs: number;
}

/** Of the addresses of one name; a name may have any number. */
const mostTried = 4;

export const resolveName: Resolve = async (name) => {
  const found = await lookup(name, { all: true });
  return found.map(({ address }) => address);
};

/** Fails with address_blocked, source_not_allowed, source_unreachable or the reason of `signal`. */
export async function connect(parts: ConnectParts, url: URL, signal: AbortSignal): Promise<Socket> {
  const addresses = await resolveAll(parts, url, signal);
  for (const address of addresses) checkAddress(url, address, parts.rules);
  const tried = addresses.slice(0, mostTried);
  const ms = parts.connectMs / tried.length;
  let trouble: unknown;
  for (const address of tried) {
    try {
      return await connectTo(address, url, parts.secureContext, ms, signal);
    } catch (error) {
      signal.throwIfAborted();
      trouble = error;
    }
  }
  throw trouble instanceof Failure ? trouble : unreachable(url, trouble);
}

async function resolveAll(parts: ConnectParts, url: URL, signal: AbortSignal): Promise<readonly string[]> {
  const host = hostOf(url);
  if (isIP(host) !== 0) return [host];
  const late = () => unreachable(url, new Error('resolving its name took too long'));
  try {
    const found = await within(parts.resolve(host), parts.connectMs, signal, late);
    if (found.length > 0) return found;
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof Failure ? error : unreachable(url, error);
  }
  throw unreachable(url, new Error('its name has no address'));
}

/** The certificate must be good for the URL's host, whichever address is connected to. */
async function connectTo(
  address: string,
  url: URL,
  secureContext: SecureContext,
  ms: number,
  signal: AbortSignal,
): Promise<Socket> {
  const place = { host: address, port: portOf(url) };
  const name = hostOf(url);
  const isSecure = url.protocol === 'https:';
  const tls = { secureContext, ALPNProtocols: ['http/1.1'], rejectUnauthorized: true };
  const servername = isIP(name) === 0 ? name : '';
  const socket = isSecure ? connectTls({ ...place, ...tls, servername }) : connectTcp(place);
  socket.setNoDelay(true);
  const connected = new Promise<void>((resolve, reject) => {
    socket.once(isSecure ? 'secureConnect' : 'connect', resolve);
    // Stays for good: a reset at any time later must not become an uncaught error.
    socket.on('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
  try {
    await within(connected, ms, signal, () => unreachable(url, new Error('connecting took too long')));
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
