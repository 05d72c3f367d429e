/** The types of plugin, by the name the executable is called by (conf/pluginType.ts). To add one: a file, and a line here. */

import type { NetworkConfig } from "../conf/config/config.ts";
import { code, Fault } from "../conf/fault.ts";
import type { PluginType } from "../conf/pluginType.ts";
import type { Facts } from "../plugin/attach/facts.ts";
import type { ChainedType } from "../plugin/chain/chained.ts";
import { bridge } from "./interface/bridge.ts";
import type { Plan, PlanInput } from "./plan.ts";

/** Makes an interface in the container: journalled, with addresses of an IPAM. */
export interface LinkType {
  plan(input: PlanInput): Plan;
  /** Throws Fault for what the host as it is cannot bear; before a lease is asked for. */
  refuse?(config: NetworkConfig, facts: Facts): void;
}

/** How a type works: by a link of its own, as an IPAM for another plugin, or on what stands already. */
type Entry =
  | { readonly role: "link"; readonly load: () => LinkType; readonly after?: () => ChainedType }
  | { readonly role: "chained"; readonly load: () => ChainedType }
  | { readonly role: "ipam" };

const hostPort = () => require("./chained/bridgeOfPort.ts") as typeof import("./chained/bridgeOfPort.ts");

// The mapped type makes a type that is missing a compile error.
const types: { readonly [T in PluginType]: Entry } = {
  "ns-net": { role: "link", load: () => bridge, after: () => hostPort().hostPort },
  bridge: { role: "link", load: () => bridge, after: () => hostPort().hostPort },
  ptp: { role: "link", load: () => (require("./interface/ptp.ts") as typeof import("./interface/ptp.ts")).ptp },
  loopback: {
    role: "chained",
    load: () => (require("./chained/loopback.ts") as typeof import("./chained/loopback.ts")).loopback,
  },
  macvlan: {
    role: "link",
    load: () => (require("./interface/macvlan.ts") as typeof import("./interface/macvlan.ts")).macvlan,
  },
  ipvlan: {
    role: "link",
    load: () => (require("./interface/ipvlan.ts") as typeof import("./interface/ipvlan.ts")).ipvlan,
  },
  vlan: { role: "link", load: () => (require("./interface/vlan.ts") as typeof import("./interface/vlan.ts")).vlan },
  "host-device": {
    role: "link",

    load: () => (require("./interface/hostDevice.ts") as typeof import("./interface/hostDevice.ts")).hostDevice,
  },
  dummy: { role: "link", load: () => (require("./interface/dummy.ts") as typeof import("./interface/dummy.ts")).dummy },
  tap: { role: "link", load: () => (require("./interface/tap.ts") as typeof import("./interface/tap.ts")).tap },
  "host-local": { role: "ipam" },
  static: { role: "ipam" },
  bandwidth: {
    role: "chained",
    load: () => (require("./chained/bandwidth.ts") as typeof import("./chained/bandwidth.ts")).bandwidth,
  },
  firewall: {
    role: "chained",
    load: () => (require("./chained/firewall.ts") as typeof import("./chained/firewall.ts")).firewall,
  },
  tuning: {
    role: "chained",
    load: () => (require("./chained/tuning.ts") as typeof import("./chained/tuning.ts")).tuning,
  },
  sbr: { role: "chained", load: () => (require("./chained/sbr.ts") as typeof import("./chained/sbr.ts")).sbr },
  vrf: { role: "chained", load: () => (require("./chained/vrf.ts") as typeof import("./chained/vrf.ts")).vrf },
  portmap: {
    role: "chained",
    load: () => (require("./chained/portmap.ts") as typeof import("./chained/portmap.ts")).portmap,
  },
};

export function roleOf(type: PluginType): Entry["role"] {
  return types[type].role;
}

/** True for a type that makes a link, and can do with one that another plugin left on the host. */
export function worksAfter(type: PluginType): boolean {
  const entry = types[type];
  return entry.role === "link" && entry.after !== undefined;
}

/** True for an ADD of such a type that finds one in what the plugins before it said. */
export function comesAfter({ type, prevResult }: NetworkConfig): boolean {
  return prevResult !== undefined && worksAfter(type) && hostPort().hasHostInterface(prevResult);
}

export function linkType(type: PluginType): LinkType {
  const entry = types[type];
  if (entry.role !== "link") {
    throw new Fault(
      code.config,
      `Cannot attach with a plugin of type ${type}: it makes no interface`,
      "Name a plugin that makes one, such as bridge; in a list of plugins this one comes after it",
    );
  }
  return entry.load();
}

export function chainedType(type: PluginType): ChainedType {
  const entry = types[type];
  if (entry.role === "link" && entry.after) return entry.after();
  if (entry.role !== "chained") throw new Error(`${type} comes after no other plugin`);
  return entry.load();
}
