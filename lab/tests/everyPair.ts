/** Pings between all pods of a lab. */
import { code, Fault } from "../../conf/fault.ts";
import type { Address } from "../../ip/address.ts";
import type { Pod } from "../model/lab.ts";
import { isReachable } from "../plan/reachability.ts";
import type { World } from "../world/world.ts";
import { inParallel } from "./inParallel.ts";
import { Neighbours, neighboursMax } from "./neighbours.ts";
import { probe } from "./probe.ts";
import { netnsOf } from "./run.ts";

export interface Pair {
  readonly from: string;
  readonly to: string;
  readonly reached: boolean;
  /** By the file: its networks, routes and isolation. */
  readonly expected: boolean;
  readonly ms: number | null;
}

const silenceMs = 500;

/** Where an answer is expected, it is asked for again during this time: a machine may be busy. */
const patienceMs = 5000;

/** Every pair in both directions, on the first address that the name means. Pods that join another are left out. */
export async function pingAll(world: World, onPair: (pair: Pair) => void): Promise<void> {
  const pods = world.lab.pods.filter(
    ({ name, joins }) => joins === undefined && world.names.addressOf(name, name) !== undefined,
  );
  const pairs = pods.flatMap((from) => pods.filter((to) => to !== from).map((to) => ({ from, to })));
  using neighbours = new Neighbours(world);
  const isCrowded = pairs.length > neighboursMax;
  await inParallel(
    pairs,
    async ({ from, to }) => {
      const address = world.names.addressOf(to.name, from.name);
      if (address === undefined) return unreachable(from.name, to.name);
      const pair = await pingPair(world, from, to, address);
      if (isCrowded) neighbours.forget(from, to, address);
      return pair;
    },
    onPair,
  );
}

/** One pair, on the address that the name means. Throws Fault if one of them is no pod with a network of its own. */
export async function pingOne(world: World, from: string, to: string): Promise<Pair> {
  const [one, other] = [from, to].map((name) => {
    const pod = world.lab.pods.find((pod) => pod.name === name && pod.joins === undefined);
    if (pod) return pod;
    throw new Fault(
      code.config,
      `The lab ${world.lab.name} has no pod ${name} with a network of its own`,
      "See: ns-net lab status",
    );
  });
  const address = world.names.addressOf(to, from);
  return address === undefined ? unreachable(from, to) : pingPair(world, one!, other!, address);
}

/** The name has no address of the sender's families. */
const unreachable = (from: string, to: string): Pair => ({ from, to, reached: false, expected: false, ms: null });

async function pingPair(world: World, from: Pod, to: Pod, address: Address): Promise<Pair> {
  const expected = isReachable(world.lab, (at) => world.impairments.isDown(at), from, to, address);
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const startMs = performance.now();
    const { reached } = await probe({
      ...{ from: netnsOf(world, from.name), to: { kind: "ping", name: to.name }, address },
      patienceMs: silenceMs,
    });
    const nowMs = performance.now();
    if (!reached && expected && nowMs < endMs) {
      await Bun.sleep(pauseMs);
      continue;
    }
    const ms = reached ? Number((nowMs - startMs).toFixed(1)) : null;
    return { from: from.name, to: to.name, reached, expected, ms };
  }
}

/** After a refusal, which comes at once. */
const pauseMs = 50;
