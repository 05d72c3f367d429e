/** The types of plugin, by the name the executable is called by (conf/pluginType.ts). To add one: a file, and a line here. */

import type { NetworkConfig } from "../conf/config/config.ts";
import { code, Fault } from "../conf/fault.ts";
import type { PluginType } from "../conf/pluginType.ts";
import type { ChainedType } from "./chain.ts";
import defer * as bandwidth from "./chained/bandwidth.ts";
import defer * as hostPort from "./chained/bridgeOfPort.ts";
import defer * as firewall from "./chained/firewall.ts";
import defer * as loopback from "./chained/loopback.ts";
import defer * as portmap from "./chained/portmap.ts";
import defer * as sbr from "./chained/sbr.ts";
import defer * as tuning from "./chained/tuning.ts";
import defer * as vrf from "./chained/vrf.ts";
import { bridge } from "./interface/bridge.ts";
import defer * as dummy from "./interface/dummy.ts";
import defer * as hostDevice from "./interface/hostDevice.ts";
import defer * as ipvlan from "./interface/ipvlan.ts";
import defer * as macvlan from "./interface/macvlan.ts";
import defer * as ptp from "./interface/ptp.ts";
import defer * as tap from "./interface/tap.ts";
import defer * as vlan from "./interface/vlan.ts";
import type { InterfaceType } from "./plan.ts";

/** How a type works: by a link of its own, as an IPAM for another plugin, or on what stands already. */
type Entry =
  | { readonly role: "link"; readonly load: () => InterfaceType; readonly after?: () => ChainedType }
  | { readonly role: "chained"; readonly load: () => ChainedType }
  | { readonly role: "ipam" };

// The mapped type makes a type that is missing a compile error.
const types: { readonly [T in PluginType]: Entry } = {
  "ns-net": { role: "link", load: () => bridge, after: () => hostPort.hostPort },
  bridge: { role: "link", load: () => bridge, after: () => hostPort.hostPort },
  ptp: { role: "link", load: () => ptp.ptp },
  loopback: {
    role: "chained",
    load: () => loopback.loopback,
  },
  macvlan: {
    role: "link",
    load: () => macvlan.macvlan,
  },
  ipvlan: {
    role: "link",
    load: () => ipvlan.ipvlan,
  },
  vlan: { role: "link", load: () => vlan.vlan },
  "host-device": {
    role: "link",

    load: () => hostDevice.hostDevice,
  },
  dummy: { role: "link", load: () => dummy.dummy },
  tap: { role: "link", load: () => tap.tap },
  "host-local": { role: "ipam" },
  static: { role: "ipam" },
  bandwidth: {
    role: "chained",
    load: () => bandwidth.bandwidth,
  },
  firewall: {
    role: "chained",
    load: () => firewall.firewall,
  },
  tuning: {
    role: "chained",
    load: () => tuning.tuning,
  },
  sbr: { role: "chained", load: () => sbr.sbr },
  vrf: { role: "chained", load: () => vrf.vrf },
  portmap: {
    role: "chained",
    load: () => portmap.portmap,
  },
};

export function roleOf(type: PluginType): Entry["role"] {
  return types[type].role;
}

/** True for a type that makes a link, and can do with one that another plugin left on the host. */
export function canBeChained(type: PluginType): boolean {
  const entry = types[type];
  return entry.role === "link" && entry.after !== undefined;
}

/** True for an ADD of such a type that finds one in what the plugins before it said. */
export function isChainedCall({ type, prevResult }: NetworkConfig): boolean {
  return prevResult !== undefined && canBeChained(type) && hostPort.hasHostInterface(prevResult);
}

export function interfaceType(type: PluginType): InterfaceType {
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
