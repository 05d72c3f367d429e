/** The bridge's VLANs: what ADD must know of them, and their steps. Loaded where `vlan` or `vlanTrunk` is written. */

import type { NetworkConfig } from "../conf/config/config.ts";
import { code, Fault } from "../conf/fault.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { macOf, vlanGatewayGroup, vlanPortName } from "../kernel/ownership.ts";
import { listPortVlans, type PortVlan } from "../netlink/route/bridgeVlan.ts";
import { bridge as bridgeData } from "../netlink/route/kind/bridge.ts";
import { type Link, listLinks } from "../netlink/route/link.ts";
import type { Step } from "../step/index.ts";
import { gatewaysOf } from "./container.ts";
import type { Plan, PlanInput } from "./plan.ts";

export interface VlanFacts {
  /** Has the gateway's address instead of the bridge; absent where no gateway is wanted. */
  readonly gatewayLink?: string;
  /** The VLAN that a new port of the bridge is in. */
  readonly defaultVlan: number;
  /** Links that would be cut off if the bridge began to look at VLANs: none, where it does already. */
  readonly unready: readonly string[];
}

/** Of a bridge that nobody has changed. */
const usualDefault = 1;

export function vlanFacts(bridge: Link | undefined, config: NetworkConfig, kernel: Kernel): VlanFacts {
  const { vlanFiltering = 0, defaultVlan = usualDefault } = bridge?.info?.data ? bridgeData.get(bridge.info.data) : {};
  return {
    ...(config.isGateway && config.vlan && { gatewayLink: `${config.bridge}.${config.vlan}` }),
    defaultVlan,
    unready: bridge === undefined || vlanFiltering !== 0 ? [] : withoutNative(bridge, kernel),
  };
}

/** A frame without a tag is of no VLAN there, and is dropped once the bridge looks. */
function withoutNative(bridge: Link, kernel: Kernel): string[] {
  const vlans = listPortVlans(kernel.route("host"));
  // A kernel without VLAN filtering tells of none; it says so itself when it is asked to filter.
  if ([...vlans.values()].every((of) => of.length === 0)) return [];
  const members = [bridge, ...listLinks(kernel.route("host"), { master: bridge.index })];
  return members.flatMap(({ index, name = "" }) => (vlans.get(index)?.some(({ isNative }) => isNative) ? [] : [name]));
}

/** The plan of an attachment to a bridge, with the VLANs of its port. Throws Fault (code.config) where others would be cut off. */
export function withVlans(made: Plan, input: PlanInput, facts: VlanFacts): Plan {
  const { config } = input;
  if (facts.unready.length > 0) throw wouldCutOff(config, facts.unready);
  const steps: Step[] = [];
  for (const step of made.steps) {
    if (step.kind === "bridge")
      steps.push({ ...step, filtersFor: keyText(config) }, ...gatewaySteps(input, facts, step.mtu));
    else if (step.kind === "veth") steps.push(step, { kind: "portVlan", link: step.host, ...portVlans(config, facts) });
    else steps.push(step);
  }
  const [gateway] = gatewaysOf(input.lease.addresses);
  if (facts.gatewayLink === undefined || gateway === undefined) return { ...made, steps };
  return { ...made, steps, interfaces: [...made.interfaces, { name: facts.gatewayLink, mac: macOf(gateway) }] };
}

function keyText({ vlan, vlanTrunk }: NetworkConfig): string {
  return vlan ? `vlan = ${vlan}` : `vlanTrunk = ${JSON.stringify(vlanTrunk)}`;
}

/** With a trunk alone, frames without a tag stay in the bridge's default VLAN, as the reference does it. */
function portVlans({ vlan, vlanTrunk, preserveDefaultVlan }: NetworkConfig, { defaultVlan }: VlanFacts) {
  const native = vlan ?? defaultVlan;
  const vlans: PortVlan[] = [];
  // First the ranges: a VLAN that is named twice is the native one.
  for (const { minID: first, maxID: last } of vlanTrunk) vlans.push({ first, last });
  vlans.push({ first: native, isNative: true });
  const isKept =
    preserveDefaultVlan || vlans.some(({ first, last = first }) => first <= defaultVlan && defaultVlan <= last);
  return { vlans, ...(!isKept && { without: defaultVlan }) };
}

function gatewaySteps({ config, lease }: PlanInput, facts: VlanFacts, mtu: number): Step[] {
  const { bridge, vlan, name: network, preserveDefaultVlan } = config;
  const [first] = gatewaysOf(lease.addresses);
  if (facts.gatewayLink === undefined || vlan === undefined || first === undefined) return [];
  const port = vlanPortName(bridge, vlan);
  const isAlone = !preserveDefaultVlan && vlan !== facts.defaultVlan;
  const own = { link: facts.gatewayLink, port, bridge, vlan, mac: macOf(first), mtu, group: vlanGatewayGroup(network) };
  return [{ kind: "vlanGateway", ...own, ...(isAlone && { without: facts.defaultVlan }) }];
}

function wouldCutOff(config: NetworkConfig, links: readonly string[]): Fault {
  const { bridge } = config;
  const commands = links.map(
    (name) => `bridge vlan add vid 1 dev ${name} pvid untagged${name === bridge ? " self" : ""}`,
  );
  return new Fault(
    code.config,
    `Cannot use ${keyText(config)}: bridge ${bridge} does not look at VLANs yet, and if it did, ${links.join(", ")} would be cut off, having no VLAN for frames without a tag`,
    `Give them one first: ${commands.join("; ")}; or choose another bridge`,
  );
}
