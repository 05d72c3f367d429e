/** The types of plugin, by the name that the executable is called by (conf/pluginType.ts). To add one: a file, and a line here. */

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
import type { ChainedFacts } from "./facts.ts";
import { bridge } from "./interface/bridge.ts";
import defer * as dummy from "./interface/dummy.ts";
import defer * as hostDevice from "./interface/hostDevice.ts";
import defer * as ipvlan from "./interface/ipvlan.ts";
import defer * as macvlan from "./interface/macvlan.ts";
import defer * as ptp from "./interface/ptp.ts";
import defer * as tap from "./interface/tap.ts";
import defer * as vlan from "./interface/vlan.ts";
import type { InterfaceType } from "./plan.ts";

/**
 * `interface`: makes an interface, has an entry in the store and addresses of an IPAM. `chained`: changes what another
 * plugin made, and has a record in the store. `ipam`: gives addresses to another plugin.
 */
export type Role = "interface" | "chained" | "ipam";

export type ChainedName = keyof ChainedFacts;

type InterfaceEntry = {
  readonly role: "interface";
  readonly load: () => InterfaceType;
  readonly asChained?: ChainedName;
};
type Entry = InterfaceEntry | { readonly role: "chained"; readonly name: ChainedName } | { readonly role: "ipam" };

// The mapped type makes a missing type a compile error.
const types: { readonly [T in PluginType]: Entry } = {
  "ns-net": { role: "interface", load: () => bridge, asChained: "hostPort" },
  bridge: { role: "interface", load: () => bridge, asChained: "hostPort" },
  ptp: { role: "interface", load: () => ptp.ptp },
  macvlan: { role: "interface", load: () => macvlan.macvlan },
  ipvlan: { role: "interface", load: () => ipvlan.ipvlan },
  vlan: { role: "interface", load: () => vlan.vlan },
  "host-device": { role: "interface", load: () => hostDevice.hostDevice },
  dummy: { role: "interface", load: () => dummy.dummy },
  tap: { role: "interface", load: () => tap.tap },
  "host-local": { role: "ipam" },
  static: { role: "ipam" },
  loopback: { role: "chained", name: "loopback" },
  bandwidth: { role: "chained", name: "bandwidth" },
  firewall: { role: "chained", name: "firewall" },
  tuning: { role: "chained", name: "tuning" },
  sbr: { role: "chained", name: "sbr" },
  vrf: { role: "chained", name: "vrf" },
  portmap: { role: "chained", name: "portmap" },
};

const chainedTypes: { readonly [N in ChainedName]: () => ChainedType<ChainedFacts[N]> } = {
  bandwidth: () => bandwidth.bandwidth,
  firewall: () => firewall.firewall,
  hostPort: () => hostPort.hostPort,
  loopback: () => loopback.loopback,
  portmap: () => portmap.portmap,
  sbr: () => sbr.sbr,
  tuning: () => tuning.tuning,
  vrf: () => vrf.vrf,
};

export function roleOf(type: PluginType): Role {
  return types[type].role;
}

/** The role in this ADD: a bridge whose port another plugin left on the host works as a chained plugin. */
export function roleIn({ type, prevResult }: NetworkConfig): Role {
  const isPort = prevResult !== undefined && canBeChained(type) && hostPort.hasHostInterface(prevResult);
  return isPort ? "chained" : types[type].role;
}

/** True for an interface type that can use an interface which another plugin left on the host. */
export function canBeChained(type: PluginType): boolean {
  const entry = types[type];
  return entry.role === "interface" && entry.asChained !== undefined;
}

export function interfaceType(type: PluginType): InterfaceType {
  const entry = types[type];
  if (entry.role !== "interface") {
    throw new Fault(
      code.config,
      `Cannot attach with a plugin of type ${type}: it makes no interface`,
      "Name a plugin that makes one, such as bridge; in a list of plugins this one comes after it",
    );
  }
  return entry.load();
}

export function chainedNameOf(type: PluginType): ChainedName {
  const entry = types[type];
  if (entry.role === "interface" && entry.asChained) return entry.asChained;
  if (entry.role !== "chained") throw new Error(`${type} is not a chained plugin`);
  return entry.name;
}

/** The members that do not depend on the facts. */
export function chainedType(type: PluginType): Omit<ChainedType<unknown>, "plan"> {
  return chainedTypes[chainedNameOf(type)]();
}

/** `facts` are those of the same name. */
export function chainedPlanner<N extends ChainedName>(name: N): ChainedType<ChainedFacts[N]>["plan"] {
  const type = chainedTypes[name]();
  return (input) => type.plan(input);
}
