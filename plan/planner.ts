/** Plans an attachment: the steps of its plugin type, in order. Pure: the kernel was read before. */

import { isContainerLink } from "../conf/pluginType.ts";
import defer * as featurePlan from "./features.ts";
import type { Plan, PlanInput } from "./plan.ts";
import { interfaceType } from "./types.ts";

/** The steps of ADD, in order. Throws Fault (code.config) for what the host as it is cannot bear. */
export function plan(input: PlanInput): Plan {
  const { type, features } = input.config;
  const made = settling(interfaceType(type).plan(input), input);
  if (features === undefined || isContainerLink(type)) return made;
  return featurePlan.withFeatures(made, features, input);
}

/** With duplicate detection the container's IPv6 addresses can be used when it is over. */
function settling(made: Plan, { attachment, config, lease }: PlanInput): Plan {
  if (!config.enabledad || config.disableContainerInterface) return made;
  if (!lease.addresses.some(({ address }) => address.includes(":"))) return made;
  return { ...made, steps: [...made.steps, { kind: "awaitDad", link: attachment.ifname }] };
}
