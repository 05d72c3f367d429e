/**
 * For an IPAM that speaks by the container's interface, as DHCP does: the interface stands before it is asked, up and
 * without addresses, and what the addresses need comes after. The plan is made twice; the second time, what stands is
 * left out of what is committed.
 */
import type { NetworkConfig } from "../../conf/config/config.ts";
import type { Request } from "../../conf/request.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { Facts } from "../../plan/facts.ts";
import { plan } from "../../plan/planner.ts";
import { commit, type Undo } from "../../step/commit.ts";
import type { Step } from "../../step/index.ts";

export interface LinkFirst {
  /** Makes the interface, and answers how to undo it. */
  prepare(): () => void;
  /** The configuration with the hardware address that the interface has by now. */
  readonly config: NetworkConfig;
  /** Those that are not done yet. */
  rest(steps: readonly Step[]): readonly Step[];
  undo(): void;
}

export function early({ attachment, netns, config }: Request, facts: Facts, kernel: Kernel): LinkFirst {
  // Rules for addresses can wait for addresses.
  const { features: _, ...bare } = config;
  const lease = { addresses: [], routes: [], made: true };
  const { steps, mac } = plan({ attachment, netns, config: bare, lease, facts });
  const done = new Set(steps.map((step) => JSON.stringify(step)));
  let undo: Undo | undefined;
  return {
    prepare() {
      undo = commit(steps, kernel);
      return undo;
    },
    config: { ...config, mac },
    rest: (all) => all.filter((step) => !done.has(JSON.stringify(step))),
    undo: () => undo?.(),
  };
}
