/** Ports, limits, sysctls and policies of type `ns-net`, for which the reference needs a chain. Loaded if the configuration has one of them. Pure. */
import type { ChainKeys } from "../conf/config/config.ts";
import { zoneSteps } from "../step/firewalld/source.ts";
import { isRules, type Step } from "../step/index.ts";
import { bringsUp } from "../step/link/up.ts";
import { bandwidthSteps } from "./chained/bandwidth.ts";
import { portsSteps } from "./chained/portmap.ts";
import { sysctlSteps } from "./chained/tuning.ts";
import { type InterfacePlan, innerIndex, type PlanInput } from "./plan.ts";

/**
 * Rules come last, those of nf_tables in one batch: a port is published when the container can answer. (For a datagram to
 * a container that is not up yet, the host repeats its neighbour request only once a second.) No process runs in the
 * container before ADD answers, so it misses no rule.
 */
export function withFeatures(made: InterfacePlan, features: ChainKeys, input: PlanInput): InterfacePlan {
  const { attachment, config, lease, facts } = input;
  const { ingressPolicy: policy } = features;
  const inner = innerIndex(made.interfaces);
  const [host, { mtu = 0 } = {}] = made.interfaces.slice(inner - 1, inner + 1);
  const addresses = lease.addresses.map(({ address }) => address);
  // If the bridge has route_localnet already, the port was closed before the container could send.
  const ownLinks = facts.bridge?.letsLoopbackThrough || !host ? [] : [host.name];
  const laying = made.steps.filter((step) => !isRules(step));
  const steps: Step[] = [
    ...beforeUp(laying, sysctlSteps(features, attachment.ifname), attachment.ifname),
    ...bandwidthSteps(attachment, features, host!.name, mtu),
    ...made.steps.filter(isRules),
    ...(policy
      ? [{ kind: "ingressPolicy", network: attachment.network, bridge: made.through ?? config.bridge, policy } as const]
      : []),
    ...portsSteps({ attachment, features, addresses, through: made.through, ownLinks }),
    ...(features.backend === "firewalld" ? zoneSteps(features.zone, addresses) : []),
  ];
  return { ...made, steps };
}

/** Puts the settings before the step that brings the interface up: from then on it asks for routers and configures addresses. */
function beforeUp(steps: readonly Step[], settings: readonly Step[], ifname: string): Step[] {
  const at = steps.findIndex((step) => bringsUp("container", ifname, step));
  const end = at < 0 ? steps.length : at;
  return [...steps.slice(0, end), ...settings, ...steps.slice(end)];
}
