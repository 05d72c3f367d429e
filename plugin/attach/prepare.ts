/**
 * The way of every ADD up to the moment when the kernel is changed: facts, lease, plan, result. Interface plugins,
 * chained plugins, an IPAM called by name and `--dry-run` all go this way.
 */
import { formatResult } from "../../conf/result/format.ts";
import { type AnyFacts, plan } from "../../plan/planner.ts";
import type { Asked } from "./asked.ts";
import { resultBefore } from "./facts/read.ts";
import type { Memory, Prepared } from "./memory.ts";

/** Acquires a lease and changes nothing else. Throws Fault, with the lease given back. */
export async function prepare({ request }: Asked, facts: AnyFacts, memory: Memory): Promise<Prepared> {
  const { attachment, netns, config } = request;
  const leased = await memory.lease(facts);
  const { lease, linkFirst } = leased;
  try {
    const planned = linkFirst ? { ...config, mac: linkFirst.mac } : config;
    const made = plan({ attachment, netns, config: planned, prev: resultBefore(request), lease, facts });
    formatResult(made.result, config.cniVersion); // refuses what that version cannot express, while nothing is made
    return { facts, leased, plan: made, steps: linkFirst ? linkFirst.rest(made.steps) : made.steps };
  } catch (error) {
    await memory.giveBack(leased);
    throw error;
  }
}
