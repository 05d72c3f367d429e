/**
 * ADD of every plugin type: facts, lease, plan and result (prepare), then the kernel (commit), then the store. All or
 * nothing: after a failure, what this call created is undone, and the first cause is reported.
 */

import type { Call } from "../conf/call.ts";
import type { NetworkConfig } from "../conf/config/config.ts";
import { callAgain, code, Fault } from "../conf/fault.ts";
import type { Request } from "../conf/request.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { hostLinkName } from "../kernel/linkNames.ts";
import type { Facts } from "../plan/facts.ts";
import type { Plan } from "../plan/plan.ts";
import type { AnyFacts } from "../plan/planner.ts";
import { roleIn } from "../plan/types.ts";
import { commit, type Undo } from "../step/commit.ts";
import { linkDeletedBy, linkMadeBy } from "../step/index.ts";
import { errno, isKernelError } from "../sys/errors.ts";
import { WouldBlock } from "../sys/sharedProcess.ts";
import type { Asked } from "./attach/asked.ts";
import { clearWay } from "./attach/clearWay.ts";
import { entryMemory } from "./attach/entryMemory.ts";
import { chainedFactsOf } from "./attach/facts/read.ts";
import defer * as hints from "./attach/hints.ts";
import type { Memory, Prepared } from "./attach/memory.ts";
import { openKernelOf } from "./attach/openKernelOf.ts";
import { prepare } from "./attach/prepare.ts";
import defer * as chainedMemory from "./chain/memory.ts";
import { openOrCreate } from "./recovery/openStore.ts";

export interface AddOptions {
  /** A person waits for the answer and not a runtime, so ADD may take time for hints. */
  readonly isByHand?: boolean;
  /** As in Asked. A runtime's ADD does not read the configurations of other networks. */
  readonly reservedSubnets?: Asked["reservedSubnets"];
  /** Sees each plan before it is committed; what it throws refuses the ADD. */
  readonly onPlan?: (plan: Plan) => void;
  /** Another kernel than the real one, for tests that make requests fail. */
  readonly openKernel?: typeof openKernelOf;
}

/**
 * Does the plugin's work and answers its plan, with the result of ADD. Throws Fault or KernelError, with nothing left
 * behind.
 */
export async function add(request: Request, call: Call, options: AddOptions = {}): Promise<Plan> {
  using kernel = (options.openKernel ?? openKernelOf)(request, call);
  const asked: Asked = { request, call, kernel, reservedSubnets: options.reservedSubnets };
  let facts = await readFacts(asked);
  const memory = memoryOf(asked);
  for (let attempt = 1; ; attempt++) {
    try {
      return await attach(asked, facts, memory, options);
    } catch (error) {
      // GC removed the idle bridge after this ADD looked it up and before its entry existed.
      if (attempt === attemptsMax || !isBridgeGone(error, request.config, kernel)) throw error;
      facts = await readFacts(asked);
    }
  }
}

const attemptsMax = 5;

async function attach(asked: Asked, facts: AnyFacts, memory: Memory, options: AddOptions): Promise<Plan> {
  let prepared = await prepare(asked, facts, memory);
  let undo: Undo | undefined;
  const left: Error[] = [];
  try {
    options.onPlan?.(prepared.plan);
    prepared = await memory.begin(prepared, async () => prepare(asked, await readFacts(asked), memory));
    undo = commit(prepared.steps, asked.kernel, left);
    // Before the end: if it must wait for firewalld, another process does the whole ADD, and gives the hints.
    if (options.isByHand || isFirstOfNetwork(asked, prepared)) hints.hintAtObstacles(asked, prepared);
    memory.end(prepared);
    const signal = await asked.call.interruption.came();
    if (signal) throw new Fault(code.tryAgain, `Interrupted by ${signal}: what was made is undone`, callAgain);
    return prepared.plan;
  } catch (error) {
    if (error instanceof WouldBlock) throw error; // another process goes on from here
    if (undo) await deleteLinks(asked, prepared);
    left.push(...(undo?.() ?? []), ...(prepared.leased.linkFirst?.undo() ?? []));
    if (left.length > 0) asked.call.stderr(keptText(left));
    else await memory.giveBack(prepared.leased);
    throw error;
  }
}

/** A link that is left may have the address, so the lease stays, and the entry says "adding": DEL or GC finishes it. */
const keptText = ([first]: readonly Error[]) =>
  `ns-net: not all of it could be undone: ${first?.message}. Its addresses stay leased until DEL removes the rest\n`;

/** In a process that serves several calls: undo then finds that the links are gone, and does not wait for the kernel. */
async function deleteLinks({ request: { attachment }, call }: Asked, { steps }: Prepared): Promise<void> {
  if (!call.deleteLinks) return;
  const links = steps.flatMap(
    (step) => linkDeletedBy(step) ?? (linkMadeBy(step) === "host" ? hostLinkName(attachment) : []),
  );
  await call.deleteLinks(attachment.network, links);
}

/**
 * Reads only, except that it removes the remains of an interrupted ADD of the same interface. Throws Fault for an
 * impossible request.
 */
async function readFacts(asked: Asked): Promise<AnyFacts> {
  switch (roleIn(asked.request.config)) {
    case "interface":
      return clearWay(asked);
    case "chained":
      return chainedFactsOf(asked.request, asked.kernel);
    case "ipam":
      return undefined;
  }
}

/** The store stays open: a plugin's process ends at once, and closing would write and sync. */
function memoryOf(asked: Asked): Memory {
  const { request, kernel } = asked;
  const { config, attachment } = request;
  const role = roleIn(config);
  if (role === "chained") return chainedMemory.chainedMemory(asked);
  return entryMemory(
    asked,
    openOrCreate({ dataDir: config.dataDir, ...(role === "interface" && { network: attachment.network }) }, kernel),
  );
}

/** True if this ADD created the network's bridge. */
function isFirstOfNetwork({ request: { config } }: Asked, { facts, plan }: Prepared): boolean {
  return plan.through !== undefined && config.type !== "ptp" && (facts as Facts).bridge === undefined;
}

/** True if the kernel refused because the bridge was deleted, or deleted and recreated, since it was looked up. */
function isBridgeGone(error: unknown, { bridge }: NetworkConfig, kernel: Kernel): boolean {
  if (bridge === "" || !isKernelError(error, errno.ENODEV, errno.EINVAL)) return false;
  const seen = kernel.link("host", bridge)?.index;
  kernel.forget("host", bridge);
  const now = kernel.link("host", bridge)?.index;
  return now === undefined || now !== seen;
}
