/** ns-net in a client's folder of plugins, as `ns-net install` lays it there. */
import { join } from "node:path";
import { type Netns, run } from "../support/sandbox.ts";
import { isThroughAgent, startUsualAgent } from "../support/throughAgent.ts";

const executable = join(import.meta.dirname, "../../dist/ns-net");

/** With an agent, the launcher has the name ns-net, the full executable lies beside it, and the agent serves `host`. */
export async function installInto(folder: string, host: Netns, withAgent = isThroughAgent): Promise<void> {
  run([executable, "install", "--no-conf", "--bin-dir", folder, ...(withAgent ? ["--agent"] : [])]);
  if (withAgent) await startUsualAgent(host, join(folder, "ns-net-full"));
}
