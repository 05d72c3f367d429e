/** The addresses that networks have: how many there are, and how many are given. */
import { parseStatus } from "../../conf/parse.ts";
import { boundRange, boundSets } from "../../ipam/range.ts";
import { usageOf } from "../../ipam/usage.ts";
import type { Store } from "../../store/store.ts";
import { type Configured, pluginsOf } from "./configured.ts";

export interface Pool {
  readonly network: string;
  /** `10.1.0.0/24`, or `10.1.0.2-10.1.0.5` for a part of a subnet. */
  readonly range: string;
  readonly used: number;
  /** Inexact beyond 2⁵³: an IPv6 /64 has more. */
  readonly free: number;
}

/**
 * A pool for each range set of the networks that ever had an attachment. Sets come from the first configuration of the
 * name; without one, the subnets that the store remembers count as whole.
 */
export function poolsOf(configured: readonly Configured[], store: Store): Pool[] {
  return store.networks().flatMap((network) => {
    const file = configured.find(({ configuration }) => configuration["name"] === network);
    const written = file === undefined ? [] : setsIn(file);
    const sets =
      written.length > 0 ? written : (store.memory(network)?.subnets ?? []).map((subnet) => [boundRange({ subnet })]);
    return usageOf(sets, network, store).map(({ range, size, used }) => {
      return { network, range, used, free: Number(size - BigInt(used)) };
    });
  });
}

/** The range sets of the first plugin that has some; none if it is no configuration of ours. */
export function setsIn({ configuration }: Configured) {
  for (const plugin of pluginsOf(configuration)) {
    // STATUS exists since 1.1.0, and the version changes nothing of the ranges.
    const text = JSON.stringify({ ...plugin, cniVersion: "1.1.0", name: configuration["name"] });
    try {
      const { config } = parseStatus({ CNI_COMMAND: "STATUS", CNI_PATH: "/" }, new TextEncoder().encode(text));
      if ("rangeSets" in config.ipam && config.ipam.rangeSets.length > 0) return boundSets(config.ipam.rangeSets);
    } catch {
      // ADD says what is wrong with it.
    }
  }
  return [];
}
