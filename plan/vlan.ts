/** The bridge's VLANs: what ADD must know of them, and their steps. Loaded where `vlan` or `vlanTrunk` is written. */

import type { NetworkConfig } from "../conf/config/config.ts";
import { code, Fault } from "../conf/fault.ts";
import type { ResultInterface } from "../conf/result/result.ts";
import { vlanPortName } from "../kernel/linkNames.ts";
import { macOf, vlanGatewayGroup } from "../kernel/ownership.ts";
import type { PortVlan } from "../netlink/route/bridgeVlan.ts";
import type { Step } from "../step/index.ts";
import { gatewaysOf } from "./container.ts";
import type { VlanFacts } from "./facts.ts";
import type { PlanInput } from "./plan.ts";

/** What VLANs add to the parts of a bridge's plan. */
export interface VlanParts {
  /** The key, and its value, for which the bridge looks at VLANs. */
  readonly filtersFor: string;
  readonly gateway: readonly Step[];
  readonly gatewayInterface: readonly ResultInterface[];
  port(link: string): Step;
}

/** Throws Fault (code.config) where others would be cut off. */
export function vlanParts(input: PlanInput, facts: VlanFacts): VlanParts {
  const { config, lease } = input;
  if (facts.unready.length > 0) throw wouldCutOff(config, facts.unready);
  const [first] = gatewaysOf(lease.addresses);
  const { gatewayLink: name } = facts;
  return {
    filtersFor: keyText(config),
    gateway: gatewaySteps(input, facts),
    gatewayInterface: name === undefined || first === undefined ? [] : [{ name, mac: macOf(first) }],
    port: (link) => ({ kind: "portVlan", link, ...portVlans(config, facts) }),
  };
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
  return { vlans, without: isKept ? undefined : defaultVlan };
}

function gatewaySteps({ config, lease, facts: { uplinkMtu: mtu } }: PlanInput, facts: VlanFacts): Step[] {
  const { bridge, vlan, name: network, preserveDefaultVlan } = config;
  const [first] = gatewaysOf(lease.addresses);
  if (facts.gatewayLink === undefined || vlan === undefined || first === undefined) return [];
  const port = vlanPortName(bridge, vlan);
  const isAlone = !preserveDefaultVlan && vlan !== facts.defaultVlan;
  const own = { link: facts.gatewayLink, port, bridge, vlan, mac: macOf(first), mtu, group: vlanGatewayGroup(network) };
  return [{ kind: "vlanGateway", ...own, without: isAlone ? facts.defaultVlan : undefined }];
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
