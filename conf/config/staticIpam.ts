/** `ipam.type` "static": addresses in the configuration, or requested in one of three places. */
import { contains, formatAddress, formatCidr, parseAddress, parseCidr } from "../../ip/address.ts";
import type { CniArgs } from "../args.ts";
import { badConfig } from "../fault.ts";
import { staticIpam as staticRule } from "../generated/rare.js";
import type { staticIpam } from "../schema/ipam.ts";
import { canonical, refuseMisspelt } from "../schema/keys.ts";
import type { Accepted } from "../schema/schema.ts";
import { validated } from "../schema/validate.ts";
import type { StaticIpamConfig } from "./config.ts";
import { argsIps, cniArgsGateways, cniArgsIps, type GivenNetwork, runtimeIps } from "./requested.ts";
import { dnsOf, routesOf } from "./routes.ts";

const addressMustBe = "an address with prefix length such as 10.1.0.7/24";

/**
 * As in the reference's static: CNI_ARGS adds to the configuration, args.cni.ips replaces both, and runtimeConfig.ips
 * replaces all.
 */
export function staticOf(given: GivenNetwork, cniArgs: CniArgs): StaticIpamConfig {
  refuseMisspelt(canonical(given.ipam, staticRule.shape), staticRule.shape, "ipam");
  const config = validated("staticIpam", given.ipam, "ipam");
  const asked = [runtimeIps(given), argsIps(given)].find((ips) => ips.length > 0);
  const addresses = asked ?? cniArgsIps(cniArgs);
  const requested = addresses.map(({ value, refuse }) => {
    const cidr = parseCidr(value);
    if (cidr === undefined) throw refuse(addressMustBe);
    return { address: formatCidr(cidr) };
  });
  const written = asked === undefined ? staticAddresses(config.addresses ?? []) : [];
  const dns = dnsOf(config.dns);
  return {
    type: "static",
    addresses: asked === undefined ? withGateways([...written, ...requested], cniArgs) : requested,
    routes: routesOf(config.routes, "ipam.routes", { strict: true }),
    dns,
  };
}

type StaticAddress = StaticIpamConfig["addresses"][number];

function staticAddresses(given: NonNullable<Accepted<typeof staticIpam>["addresses"]>): readonly StaticAddress[] {
  return given.map(({ address: text, gateway: gatewayText }, i) => {
    const address = parseCidr(text);
    if (address === undefined) throw badConfig(`ipam.addresses[${i}].address`, text, addressMustBe);
    if (!gatewayText) return { address: formatCidr(address) };
    const gateway = parseAddress(gatewayText);
    if (gateway?.family !== address.family) {
      throw badConfig(
        `ipam.addresses[${i}].gateway`,
        gatewayText,
        `an IPv${address.family} address, as its address is`,
      );
    }
    return { address: formatCidr(address), gateway: formatAddress(gateway) };
  });
}

/** A GATEWAY in CNI_ARGS applies to each address whose subnet contains it. */
function withGateways(addresses: readonly StaticAddress[], cniArgs: CniArgs): readonly StaticAddress[] {
  return cniArgsGateways(cniArgs).reduce((all, { value, refuse }) => {
    const gateway = parseAddress(value);
    if (gateway === undefined) throw refuse("an address such as 10.1.0.1");
    return all.map((one) =>
      contains(parseCidr(one.address)!, gateway) ? { ...one, gateway: formatAddress(gateway) } : one,
    );
  }, addresses);
}
