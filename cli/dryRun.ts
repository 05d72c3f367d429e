/** The plan of an ADD without the ADD: the store is copied aside, a missing namespace is stood in for by one nobody can see. */
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { code, Fault } from "../conf/fault.ts";
import type { Request } from "../conf/request.ts";
import { ipamFor } from "../ipam/index.ts";
import { openStore } from "../ipam/store.ts";
import { closeNetns } from "../netlink/netns.ts";
import { anonymousNetns } from "../netlink/newNetns.ts";
import { journalEntry } from "../plugin/add.ts";
import { adoption } from "../plugin/adoption.ts";
import { hostNetworks, readFacts } from "../plugin/facts.ts";
import { Kernel } from "../plugin/kernel.ts";
import { openContainerNetns } from "../plugin/namespace.ts";
import { type Plan, plan, refuseImpossible } from "../plugin/plan.ts";
import { printStep } from "../plugin/step/index.ts";
import type { Target } from "./target.ts";

/** What ADD would commit, the address it would get included. Throws Fault for what ADD would refuse. */
export async function previewPlan(request: Request): Promise<Plan> {
  const { attachment, config } = request;
  if (config.ipam.type === "delegate") {
    throw new Fault(
      code.config,
      `Cannot plan without asking ${config.ipam.plugin} for an address`,
      "--dry-run works with addresses of ns-net itself: ipam.type ns-net, host-local or static",
    );
  }
  const netns = existsSync(request.netns) ? openContainerNetns(request.netns, request.mayBeOwnNetns) : anonymousNetns();
  const kernel = new Kernel(netns);
  const folder = mkdtempSync(join(tmpdir(), "ns-net-dry-run-"));
  try {
    if (existsSync(config.dataDir)) cpSync(config.dataDir, folder, { recursive: true });
    const facts = readFacts(config, attachment, kernel);
    refuseImpossible(attachment, config, facts);
    using store = openStore(folder);
    const entry = journalEntry(request, netns);
    const lease = await ipamFor(config.ipam.type).acquire({
      request,
      config: config.ipam,
      entry,
      store,
      hostNetworks: () => hostNetworks(kernel),
      adoption: () => ({ ...adoption(kernel, config.bridge), lock: () => ({ [Symbol.dispose]() {} }), release() {} }),
    });
    return plan({ attachment, netns: request.netns, config, lease, facts });
  } finally {
    rmSync(folder, { recursive: true, force: true });
    kernel.close();
    closeNetns(netns);
  }
}

/** The commands a person would have typed, one a line. */
export function printPlan({ steps }: Plan, { name }: Target, isNew: boolean): string {
  const lines = [...(isNew && name !== undefined ? [`ip netns add ${name}`] : []), ...steps.flatMap(printStep)];
  return lines.map((line) => `${line}\n`).join("");
}
