/** What type `ns-net` does in one call where the reference needs a chain: loaded when the configuration asks for it. Pure. */
import type { Features } from "../conf/network.ts";
import type { Plan, PlanInput } from "./plan.ts";
import type { Step } from "./step/index.ts";
import { shapingSteps } from "./type/bandwidth.ts";
import { portsSteps } from "./type/portmap.ts";
import { sysctlSteps } from "./type/tuning.ts";

/** Before the container can send anything, the rules that are to hold for it stand: the link's own steps come last. */
export function withFeatures(made: Plan, features: Features, { attachment, lease, netns }: PlanInput): Plan {
  const [host, inner] = made.interfaces.slice(-2);
  const addresses = lease.addresses.map(({ address }) => address);
  const steps: Step[] = [
    ...made.steps,
    ...sysctlSteps(features, attachment.ifname, netns),
    ...shapingSteps(attachment, features, host!.name, inner?.mtu ?? 0),
    ...portsSteps({ attachment, features, addresses, netns, through: made.through }),
  ];
  return { ...made, steps };
}
