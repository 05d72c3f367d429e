/** Plans an ADD: the steps of the plugin's type, and the result. Pure: the kernel was read before. */

import type { Attachment } from "../conf/attachment.ts";
import type { NetworkConfig } from "../conf/config/config.ts";
import { isContainerLink } from "../conf/pluginType.ts";
import type { Result } from "../conf/result/result.ts";
import { familyOf } from "../ip/address.ts";
import type { Lease } from "../ipam/ipam.ts";
import type { ChainedFacts, Facts } from "./facts.ts";
import defer * as featurePlan from "./features.ts";
import type { InterfacePlan, Plan, PlanInput } from "./plan.ts";
import { resultOf } from "./result.ts";
import { type ChainedName, chainedNameOf, chainedPlanner, interfaceType, roleIn } from "./types.ts";

/** Facts of a role and a type, read by plugin/attach/facts/; undefined for an IPAM. */
export type AnyFacts = Facts | ChainedFacts[ChainedName] | undefined;

export interface Planning {
  readonly attachment: Attachment;
  /** Path of the container's namespace: the sandbox in the result. */
  readonly netns: string;
  readonly config: NetworkConfig;
  /** The result of the plugins before; empty if there was none. */
  readonly prev: Result;
  /** Without addresses for a chained plugin. */
  readonly lease: Lease;
  readonly facts: AnyFacts;
}

/** Throws Fault (code.config) for what this host cannot do. */
export function plan(input: Planning): Plan {
  switch (roleIn(input.config)) {
    case "interface":
      return interfacePlan(input as Planning & { facts: Facts }); // the facts are of the same role and type
    case "chained":
      return chainedPlan(input);
    case "ipam": {
      const { addresses: ips, routes, dns } = input.lease;
      return { steps: [], result: { interfaces: [], ips, routes, dns } };
    }
  }
}

function interfacePlan(input: PlanInput): Plan {
  const { type, features } = input.config;
  const own = awaitingDad(interfaceType(type).plan(input), input);
  const made = features === undefined || isContainerLink(type) ? own : featurePlan.withFeatures(own, features, input);
  const { steps, mac, through } = made;
  return { steps, mac, through, result: resultOf(input.config, made, input.lease) };
}

/** The interface alone. Rules for addresses can wait for addresses. */
export function planWithoutAddresses({ config, ...input }: Omit<PlanInput, "lease">): InterfacePlan {
  const { features: _, ...bare } = config;
  return interfaceType(config.type).plan({ ...input, config: bare, lease: { addresses: [], routes: [], made: true } });
}

function chainedPlan({ attachment, netns, config, prev, facts }: Planning): Plan {
  const planner = chainedPlanner(chainedNameOf(config.type));
  return planner({ attachment, netns, config, features: config.features!, prev, facts: facts as never });
}

/** With duplicate address detection, the container's IPv6 addresses can be used when it is over. */
function awaitingDad(made: InterfacePlan, { attachment, config, lease }: PlanInput): InterfacePlan {
  if (!config.enabledad || config.disableContainerInterface) return made;
  if (!lease.addresses.some(({ address }) => familyOf(address) === 6)) return made;
  return { ...made, steps: [...made.steps, { kind: "awaitDad", link: attachment.ifname }] };
}
