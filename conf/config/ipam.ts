/** Reads `ipam` of each kind. */

import { type Families, familyOf } from "../../ip/address.ts";
import type { CniArgs } from "../args.ts";
import { badConfig, code, Fault } from "../fault.ts";
import { storeIpam } from "../generated/common.js";
import { pluginName } from "../nameRules.ts";
import { ownType, type PluginType } from "../pluginType.ts";
import type { storeKeys } from "../schema/ipam.ts";
import { canonical, refuseMisspelt } from "../schema/keys.ts";
import { validated } from "../schema/validate.ts";
import type { DelegateIpamConfig, IpamConfig, StoreIpamConfig } from "./config.ts";
import { type GivenSet, rangeSetsOf } from "./ranges.ts";
import type { GivenNetwork } from "./requested.ts";
import { dnsOf, routesOf } from "./routes.ts";
import defer * as staticIpam from "./staticIpam.ts";

type GivenStore = ReturnType<typeof validated<"storeIpam">>;

/** The keys that a network of type `ns-net` may have at its top level, without `ipam`. */
const topLevel: Readonly<Record<keyof typeof storeKeys, true>> = {
  ...{ subnet: true, rangeStart: true, rangeEnd: true, gateway: true },
  ...{ ranges: true, routes: true },
};

/** Throws code 7, and code 4 for CNI_ARGS that `static` cannot use. */
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
      return staticIpam.staticOf(given, cniArgs);
    default:
      if (!pluginName.allows(kind)) throw badConfig("ipam.type", kind, pluginName.mustBe);
      return { type: "delegate", plugin: kind } satisfies DelegateIpamConfig;
  }
}

/** "none" or `ipam.type`. Only a network of type `ns-net` gives addresses without an `ipam`. */
export function ipamKind(ipam: unknown, pluginType: PluginType): string {
  if (ipam === undefined || ipam === null) return pluginType === ownType ? ownType : "none";
  const { type } = canonical(ipam, storeIpam.shape) as { readonly type?: string };
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

/** Refuses keys of IPAM beside `ipam` instead of in it: they would be ignored silently. */
function refuseTopLevel(given: GivenNetwork): void {
  for (const name in topLevel) {
    const key = name as keyof typeof topLevel;
    if (given[key] !== undefined) throw badConfig(key, given[key], `written inside ipam, because there is an ipam`);
  }
}

function storeFrom(kind: StoreIpamConfig["type"], given: GivenNetwork): StoreIpamConfig {
  refuseMisspelt(canonical(given.ipam, storeIpam.shape), storeIpam.shape, "ipam");
  return storeOf(kind, validated("storeIpam", given.ipam, "ipam"), given, "ipam");
}

/** `path` is where the store's keys are: "ipam", or "" for the top of the configuration. */
function storeOf(kind: StoreIpamConfig["type"], store: GivenStore, given: GivenNetwork, path: string): StoreIpamConfig {
  const at = (key: string) => (path === "" ? key : `${path}.${key}`);
  const sets: GivenSet[] = [];
  const addSets = (ranges: GivenStore["ranges"], where: string) => {
    if (!ranges) return;
    for (let i = 0; i < ranges.length; i++) sets.push({ ranges: ranges[i]!, path: `${where}[${i}]` });
  };
  const { subnet, rangeStart, rangeEnd, gateway } = store;
  if (!subnet && (rangeStart || rangeEnd || gateway))
    throw badConfig(at("subnet"), subnet, "given with rangeStart, rangeEnd and gateway");
  addSets(given.runtimeConfig?.ipRanges, "runtimeConfig.ipRanges");
  if (subnet) {
    sets.push({ ranges: [{ subnet, rangeStart, rangeEnd, gateway }], path, flat: true });
  }
  addSets(store.ranges, at("ranges"));
  const rangeSets = rangeSetsOf(sets);
  if (rangeSets.length === 0 && kind !== ownType) {
    throw new Fault(
      code.config,
      `The key ${at("subnet")} is missing, and so is ${at("ranges")}`,
      `Give one of them: ${at("subnet")}, such as "10.1.0.0/24", or ${at("ranges")}, such as [[{"subnet": "10.1.0.0/24"}]]`,
    );
  }
  // At the top of a configuration, `dns` belongs to the network and not to the store.
  const dns = path === "" ? undefined : dnsOf(store.dns);
  return {
    type: kind,
    rangeSets,
    routes: routesOf(store.routes, at("routes"), { strict: true }),
    dns,
    resolvConf: (path !== "" && store.resolvConf) || undefined,
    hostLocalDir: (path !== "" && store.dataDir) || undefined,
  };
}

/** The addresses or subnets that IPAM gives from; for a delegate none are known. */
export function sourcesOf(ipam: IpamConfig): readonly string[] {
  if (ipam.type === "static") return ipam.addresses.map(({ address }) => address);
  return "rangeSets" in ipam ? ipam.rangeSets.map(([range]) => range!.subnet) : [];
}

/** The families of the addresses that IPAM may give. A subnet that is yet to be chosen is IPv4. */
export function familiesOf(ipam: IpamConfig): Families {
  if (ipam.type === "delegate") return [4, 6];
  const families = familiesIn(sourcesOf(ipam));
  return families.length > 0 ? families : [4];
}

export function familiesIn(addresses: readonly string[]): Families {
  return ([4, 6] as const).filter((family) => addresses.some((text) => familyOf(text) === family));
}
