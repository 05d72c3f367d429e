/** The flags --subnet and --bridge, which `add` and `network create` have. */
import { code, Fault } from "../../conf/fault.ts";
import { type Cidr, formatCidr, networkOf, parseCidr } from "../../ip/address.ts";
import { UsageError } from "../command.ts";

/** Each word may hold several, divided by commas. Throws UsageError, also for an address in a subnet. */
export function parseSubnets(words: readonly string[]): Cidr[] {
  return words.flatMap((word) => word.split(",")).map(parseSubnet);
}

function parseSubnet(text: string): Cidr {
  const cidr = parseCidr(text.trim());
  if (cidr === undefined)
    throw new UsageError(`--subnet ${JSON.stringify(text)}: give a subnet as 10.7.0.0/24 or fd00:7::/64`);
  const network = networkOf(cidr);
  if (network.value === cidr.value) return cidr;
  throw new UsageError(`--subnet ${text} is an address in a subnet: give ${formatCidr(network)}`);
}

/** The bridge of a network whose name is no name of a link: `nsnet` and a hash of it. */
export function hashedBridge(network: string): string {
  return `nsnet${new Bun.CryptoHasher("sha256").update(network).digest("hex").slice(0, 8)}`;
}

export function refusedValue(flag: string, value: string, why: string, cure: string): Fault {
  return new Fault(code.config, `Cannot use ${flag} = ${value}: ${why}`, cure);
}
