/** Parts of a bridge's plan for VLANs. Loaded if the configuration has `vlan` or `vlanTrunk`. Pure. */

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

/** The parts that VLANs add. */
export interface VlanParts {
  /** The key and its value that need VLAN filtering, for messages. */
  readonly filtersFor: string;
  readonly gateway: readonly Step[];
  readonly gatewayInterface: readonly ResultInterface[];
  port(link: string): Step;
}

/** Throws Fault (code.config) if other links would be disconnected. */
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

/** With only a trunk, untagged frames stay in the bridge's default VLAN, as with the reference. */
function portVlans({ vlan, vlanTrunk, preserveDefaultVlan }: NetworkConfig, { defaultVlan }: VlanFacts) {
  const native = vlan ?? defaultVlan;
  const vlans: PortVlan[] = [];
  // The native VLAN comes last, because the last mention of a VLAN wins.
  for (const { minID: first, maxID: last } of vlanTrunk) vlans.push({ first, last });
  vlans.push({ first: native, isNative: true });
  const isKept =
    preserveDefaultVlan || vlans.some(({ first, last = first }) => first <= defaultVlan && defaultVlan <= last);
  return { vlans, without: isKept ? undefined : defaultVlan };
}

function gatewaySteps({ config, lease, facts: { interfaceMtu: mtu } }: PlanInput, facts: VlanFacts): Step[] {
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
    `Cannot use ${keyText(config)}: bridge ${bridge} does not filter VLANs yet. With filtering it would disconnect ${links.join(", ")}, which have no VLAN for untagged frames`,
    `Give each a VLAN first: ${commands.join("; ")}; or choose another bridge`,
  );
}
