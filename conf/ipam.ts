/** `ipam` of each kind: from what was written to what the rest of the program reads. */
import { contains, formatAddress, formatCidr, parseAddress, parseCidr } from "./address.ts";
import type { CniArgs } from "./args.ts";
import { badConfig } from "./fault.ts";
import { canonical, refuseMisspelt } from "./keys.ts";
import { pluginName } from "./names.ts";
import type { DelegateIpamConfig, IpamConfig, StaticIpamConfig, StoreIpamConfig } from "./network.ts";
import { type GivenSet, rangeSetsOf } from "./ranges.ts";
import { argsIps, cniArgsGateways, cniArgsIps, type GivenNetwork, runtimeIps } from "./requested.ts";
import { dnsOf, routesOf } from "./routes.ts";
import { anyIpam, staticIpam, storeIpam, storeKeys } from "./schema/ipam.ts";
import type { Accepted } from "./schema/schema.ts";
import { ownType, type PluginType } from "./types.ts";
import { validated } from "./validate.ts";

type GivenStore = Accepted<typeof storeIpam>;

/** Throws code 7, and code 4 for what CNI_ARGS asks of `static`. */
export function ipamOf(given: GivenNetwork, pluginType: PluginType, cniArgs: CniArgs): IpamConfig {
  const kind = ipamKind(given.ipam, pluginType);
  if (given.ipam !== undefined && pluginType === ownType) refuseTopLevel(given);
  switch (kind) {
    case "none":
      return { type: "none" };
    case "ns-net":
    case "host-local":
      return given.ipam === undefined ? storeOf(kind, given, given, "") : storeFrom(kind, given);
    case "static":
      return staticOf(given, cniArgs);
    default:
      if (!pluginName.allows(kind)) throw badConfig("ipam.type", kind, pluginName.mustBe);
      return { type: "delegate", plugin: kind } satisfies DelegateIpamConfig;
  }
}

/** "none", or what `ipam.type` says. Only a network of type `ns-net` has addresses without being asked for them. */
export function ipamKind(ipam: unknown, pluginType: PluginType): string {
  if (ipam === undefined || ipam === null) return pluginType === ownType ? ownType : "none";
  const { type } = canonical(ipam, anyIpam) as { readonly type?: string };
  if (type) return type;
  if (Object.keys(ipam).some((key) => key.toLowerCase() !== "type")) {
    throw badConfig(
      "ipam.type",
      type,
      'the name of an IPAM plugin ("ns-net", "host-local", "static" …), or ipam empty for no addresses',
    );
  }
  return "none";
}

/** What stands beside `ipam` instead of in it would be ignored without a word. */
function refuseTopLevel(given: GivenNetwork): void {
  for (const key of Object.keys(storeKeys) as (keyof typeof storeKeys)[]) {
    if (given[key] !== undefined) throw badConfig(key, given[key], `written inside ipam, because there is an ipam`);
  }
}

function storeFrom(kind: StoreIpamConfig["type"], given: GivenNetwork): StoreIpamConfig {
  refuseMisspelt(canonical(given.ipam, storeIpam), storeIpam, "ipam");
  return storeOf(kind, validated("storeIpam", given.ipam, "ipam"), given, "ipam");
}

/** `path` is where the keys of the store stand: "ipam", or "" for the top of the configuration. */
function storeOf(kind: StoreIpamConfig["type"], store: GivenStore, given: GivenNetwork, path: string): StoreIpamConfig {
  const at = (key: string) => (path === "" ? key : `${path}.${key}`);
  const sets = (ranges: NonNullable<GivenStore["ranges"]>, where: string): readonly GivenSet[] =>
    ranges.map((set, i) => ({ ranges: set, path: `${where}[${i}]` }));
  const { subnet, rangeStart, rangeEnd, gateway } = store;
  if (!subnet && (rangeStart || rangeEnd || gateway))
    throw badConfig(at("subnet"), subnet, "given with rangeStart, rangeEnd and gateway");
  const flat = {
    ...(subnet && { subnet }),
    ...(rangeStart && { rangeStart }),
    ...(rangeEnd && { rangeEnd }),
    ...(gateway && { gateway }),
  };
  const rangeSets = rangeSetsOf([
    ...sets(given.runtimeConfig?.ipRanges ?? [], "runtimeConfig.ipRanges"),
    ...("subnet" in flat ? [{ ranges: [flat as { subnet: string }], path, flat: true }] : []),
    ...sets(store.ranges ?? [], at("ranges")),
  ]);
  if (rangeSets.length === 0 && kind !== ownType) {
    throw badConfig(at("ranges"), store.ranges, 'given, such as [[{"subnet": "10.1.0.0/24"}]]');
  }
  // At the top of a configuration `dns` is the network's and not the store's.
  const dns = path === "" ? undefined : dnsOf(store.dns);
  return {
    type: kind,
    rangeSets,
    routes: routesOf(store.routes, at("routes"), { strict: true }),
    ...(dns && { dns }),
    ...(path !== "" && store.resolvConf && { resolvConf: store.resolvConf }),
    ...(path !== "" && store.dataDir && { hostLocalDir: store.dataDir }),
  };
}

const addressMustBe = "an address with prefix length such as 10.1.0.7/24";

/** As the reference's static: CNI_ARGS adds to the configuration, args.cni.ips replaces both, runtimeConfig.ips replaces all. */
function staticOf(given: GivenNetwork, cniArgs: CniArgs): StaticIpamConfig {
  refuseMisspelt(canonical(given.ipam, staticIpam), staticIpam, "ipam");
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
    ...(dns && { dns }),
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

/** GATEWAY in CNI_ARGS belongs to whichever address has it in its network. */
function withGateways(addresses: readonly StaticAddress[], cniArgs: CniArgs): readonly StaticAddress[] {
  return cniArgsGateways(cniArgs).reduce((all, { value, refuse }) => {
    const gateway = parseAddress(value);
    if (gateway === undefined) throw refuse("an address such as 10.1.0.1");
    return all.map((one) =>
      contains(parseCidr(one.address)!, gateway) ? { ...one, gateway: formatAddress(gateway) } : one,
    );
  }, addresses);
}
