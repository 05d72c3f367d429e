/** Pings between all pods of a lab. */
import { isReachable } from "../plan/reachability.ts";
import type { World } from "../world/world.ts";
import { inParallel } from "./inParallel.ts";
import { probe } from "./probe.ts";
import { netnsOf } from "./run.ts";

export interface Pair {
  readonly from: string;
  readonly to: string;
  readonly reached: boolean;
  /** By the networks and their isolation; null if it depends on routes that pods have of their own. */
  readonly expected: boolean | null;
  readonly ms: number | null;
}

/** Two attempts where an answer is expected: the first may wait for a neighbour's hardware address. */
const attemptsMax = 2;

/** Every pair in both directions, on the first address that the name means. Pods that join another are left out. */
export async function pingAll(world: World, onPair: (pair: Pair) => void): Promise<void> {
  const pods = world.lab.pods.filter(({ joins, interfaces }) => joins === undefined && interfaces.length > 0);
  const pairs = pods.flatMap((from) => pods.filter((to) => to !== from).map((to) => ({ from, to })));
  await inParallel(
    pairs,
    async ({ from, to }) => {
      const address = world.names.addressOf(to.name, from.name)!;
      const expected = isReachable(world.lab, from, to, address);
      for (let attempt = 1; ; attempt++) {
        const startMs = performance.now();
        const { reached } = await probe(netnsOf(world, from.name), { kind: "ping", name: to.name }, address);
        const ms = Number((performance.now() - startMs).toFixed(1));
        if (reached || expected !== true || attempt === attemptsMax)
          return { from: from.name, to: to.name, reached, expected: expected ?? null, ms: reached ? ms : null };
      }
    },
    onPair,
  );
}
