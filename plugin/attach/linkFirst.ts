/**
 * DHCP asks through the container's interface, so the interface must be up before the IPAM runs: first the plan without
 * addresses is committed, then the rest of the whole plan.
 */

import type { Facts } from "../../plan/facts.ts";
import { planWithoutAddresses } from "../../plan/planner.ts";
import { commit, type Undo } from "../../step/commit.ts";
import type { Asked } from "./asked.ts";
import type { LinkFirst } from "./memory.ts";

export function linkFirst({ request: { attachment, netns, config }, kernel }: Asked, facts: Facts): LinkFirst {
  const { steps, mac } = planWithoutAddresses({ attachment, netns, config, facts });
  const done = new Set(steps.map((step) => JSON.stringify(step)));
  let undo: Undo | undefined;
  return {
    prepare() {
      undo = commit(steps, kernel);
      return undo;
    },
    mac,
    rest: (all) => all.filter((step) => !done.has(JSON.stringify(step))),
    undo: () => undo?.() ?? [],
  };
}
