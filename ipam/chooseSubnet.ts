/**
 * Chooses a subnet for a network that names none: a private one that overlaps no network of the host and no other
 * network.
 */

import { code, Fault } from "../conf/fault.ts";
import { type Cidr, formatCidr, overlaps, parseCidr } from "../ip/address.ts";

/** RFC 1918. Docker starts at 172.17 and home routers at 192.168.0 and .1, so those come last or not at all. */
function* candidates(): Generator<string> {
  for (let second = 88; second <= 255; second++) yield `10.${second}.0.0/16`;
  for (let second = 31; second >= 17; second--) yield `172.${second}.0.0/16`;
  for (let third = 254; third >= 2; third--) yield `192.168.${third}.0/24`;
}

/** The first candidate that overlaps none of `used` (CIDR). Throws Fault (code 7) if there is none. */
export function chooseSubnet(network: string, used: readonly string[]): string {
  // A default route overlaps everything, and does not show what is in use.
  const taken = used.map(parseCidr).filter((cidr): cidr is Cidr => cidr !== undefined && cidr.prefixLength > 0);
  for (const text of candidates()) {
    const candidate = parseCidr(text)!;
    if (!taken.some((cidr) => overlaps(cidr, candidate))) return formatCidr(candidate);
  }
  throw new Fault(
    code.config,
    `Cannot choose a subnet for network ${network}: every private one overlaps a route of the host or another network`,
    'Name one in the configuration: "ipam": {"type": "ns-net", "subnet": "…"}',
  );
}
