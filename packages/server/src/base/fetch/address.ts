/** Which addresses may be connected to: public unicast ones, private ones where that is allowed, and never the rest. */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Somebody's network, which an operator may open; the range's name in words. */
const privateRanges: ReadonlyMap<string, string> = new Map([
  ['loopback', 'loopback'],
  ['private', 'private'],
  ['uniqueLocal', 'private'],
  ['carrierGradeNat', 'private'],
]);

const translated = ipaddr.IPv6.parseCIDR('64:ff9b::/96');
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');

/** Metadata of clouds at addresses that look like any other. */
const metadata = new Set(
  ['168.63.129.16', '100.100.100.200', 'fd00:ec2::254', 'fd20:ce::254'].map(canonical),
);

/** Why this address is refused, such as `loopback`; null when it may be connected to. */
export function refusedAs(address: string, allowPrivate: boolean): string | null {
  // A zone names a network card of ours.
  if (isIP(address) === 0 || address.includes('%')) return 'unknown';
  const parsed = embedded(ipaddr.parse(address));
  if (metadata.has(parsed.toString())) return 'metadata';
  const range = parsed.range();
  const isPrivate = privateRanges.get(range);
  if (isPrivate !== undefined) return allowPrivate ? null : isPrivate;
  if (range === 'linkLocal') return 'link-local';
  const isPublic = range === 'unicast' && (parsed.kind() === 'ipv4' || parsed.match(globalUnicast));
  return isPublic ? null : 'reserved';
}

/** Whether `entry`, an address or a network (CIDR), has this address in it; false for any other text. */
export function covers(entry: string, address: string): boolean {
  const isNetwork = ipaddr.isValidCIDR(entry);
  if (!isNetwork && isIP(entry) === 0) return false;
  const known = embedded(ipaddr.parse(address));
  if (!isNetwork) return canonical(entry) === known.toString();
  const network = ipaddr.parseCIDR(entry);
  return network[0].kind() === known.kind() && known.match(network);
}

function canonical(address: string): string {
  return embedded(ipaddr.parse(address)).toString();
}

/** The IPv4 address that packets to an IPv4-mapped or a translated (NAT64) one end up at; others unchanged. */
function embedded(address: Address): Address {
  if (!(address instanceof ipaddr.IPv6)) return address;
  if (address.range() !== 'ipv4Mapped' && !address.match(translated)) return address;
  return new ipaddr.IPv4(address.toByteArray().slice(-4));
}
