/** `tuning`: sets sysctls of a container's namespace and properties of its interface; DEL restores them. */

import type { ChainKeys, NetworkConfig, Tunables } from "../../conf/config/config.ts";
import { code, Fault } from "../../conf/fault.ts";
import type { ResultInterface } from "../../conf/result/result.ts";
import type { SysctlStep } from "../../step/address/sysctl.ts";
import type { Step } from "../../step/index.ts";
import type { ChainedType } from "../chain.ts";
import type { TuningFacts } from "../facts.ts";

/** Replaced by the name of the container's interface in the name of a sysctl. */
const placeholder = "IFNAME";

export const tuning: ChainedType<TuningFacts> = {
  several: true,

  plan({ attachment: { ifname }, config, features, prev, facts }) {
    const to = tunedTo(config);
    const sysctls: Step[] = [];
    for (const step of sysctlSteps(features, ifname)) {
      sysctls.push({ ...step, was: facts.sysctls[step.path] });
    }
    if (Object.keys(to).length === 0) return { steps: sysctls, result: prev };
    const found = facts.tunables;
    if (!found)
      throw new Fault(
        code.config,
        `Cannot tune ${ifname}: the container has no such interface`,
        "Name tuning after the plugin that makes it",
      );
    const was = Object.fromEntries(Object.keys(to).map((key) => [key, found[key as keyof Tunables]]));
    const steps: Step[] = [...sysctls, { kind: "tuning", link: ifname, to, was }];
    const interfaces = prev.interfaces.map((one) => (isInner(one, ifname) ? tuned(one, to) : one));
    return { steps, result: { ...prev, interfaces } };
  },
};

/** The requested properties of the interface; empty if there are none. */
export function tunedTo({ mac, features }: NetworkConfig): Tunables {
  return { ...features!.tunables, ...(mac !== undefined && { mac }), ...features!.askedTunables };
}

function isInner({ name, sandbox }: ResultInterface, ifname: string): boolean {
  return name === ifname && sandbox !== undefined;
}

function tuned(one: ResultInterface, { mac, mtu }: Tunables): ResultInterface {
  return { ...one, mac: mac ?? one.mac, mtu: mtu ?? one.mtu };
}

/** The configured sysctls, in the container. */
export function sysctlSteps({ sysctl }: ChainKeys, ifname: string): SysctlStep[] {
  const steps: SysctlStep[] = [];
  for (const path in sysctl) {
    const own = path.includes(placeholder) ? withName(path, ifname) : path;
    steps.push({ kind: "sysctl", where: "container", path: own, value: sysctl[path]! });
  }
  return steps;
}

function withName(path: string, ifname: string): string {
  const parts = path.split("/").map((part) => (part === placeholder ? ifname : part));
  return parts.join("/");
}

/** `net/ipv4/conf/eth0.1/arp_filter` as sysctl(8) writes it, `net.ipv4.conf.eth0/1.arp_filter`. */
export function sysctlName(path: string): string {
  return path.replace(/[./]/g, (sign) => (sign === "." ? "/" : "."));
}
