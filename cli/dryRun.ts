/**
 * Plans an ADD without doing it: works on a copy of the store, and replaces a missing namespace by one without a name.
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Call } from "../conf/call.ts";
import { code, Fault } from "../conf/fault.ts";
import type { Request } from "../conf/request.ts";
import { type Kernel, openKernel } from "../kernel/kernel.ts";
import { openContainerNetns } from "../kernel/namespace.ts";
import { anonymousNetns } from "../kernel/newNamespace.ts";
import type { Plan } from "../plan/plan.ts";
import { entryMemory } from "../plugin/attach/entryMemory.ts";
import { interfaceFacts } from "../plugin/attach/facts/interface.ts";
import { prepare } from "../plugin/attach/prepare.ts";
import { refuseImpossible } from "../plugin/preflight/impossible.ts";
import { rebuild } from "../plugin/recovery/rebuild.ts";
import { adoption } from "../plugin/takeover/leases.ts";
import { printStep } from "../step/index.ts";
import { openStore } from "../store/index.ts";
import type { Target } from "./target.ts";

/**
 * The steps that ADD would commit, with the address it would give, as ip and nft commands. Leaves out existing things
 * that attachments share (the bridge, its gateway address, rules). `isFirst`: no interface before it creates the namespace.
 * Throws Fault if ADD would refuse.
 */
export async function preview(
  request: Request,
  call: Call,
  { name, path }: Target,
  { onPlan, isFirst }: { readonly onPlan: (made: Plan) => void; readonly isFirst: boolean },
): Promise<string> {
  const isNew = isFirst && name !== undefined && !existsSync(path);
  return textOf([
    ...(isNew ? [`ip netns add ${name}`] : []),
    ...(await planned(request, call, (made, kernel) => {
      onPlan(made);
      return made.steps.flatMap((step) => printStep(step, { kernel, netns: request.netns }));
    })),
  ]);
}

async function planned<T>(request: Request, call: Call, read: (made: Plan, kernel: Kernel) => T): Promise<T> {
  const { attachment, config } = request;
  if (config.ipam.type === "delegate") {
    throw new Fault(
      code.config,
      `Cannot plan without asking ${config.ipam.plugin} for an address`,
      "--dry-run works with addresses of ns-net itself: ipam.type ns-net, host-local or static",
    );
  }
  const container = existsSync(request.netns)
    ? openContainerNetns(request.netns, request.mayBeOwnNetns)
    : anonymousNetns();
  using kernel = openKernel({ container, stderr: call.stderr });
  const folder = mkdtempSync(join(tmpdir(), "ns-net-dry-run-"));
  try {
    if (existsSync(config.dataDir)) cpSync(config.dataDir, folder, { recursive: true });
    const facts = interfaceFacts(request, kernel);
    refuseImpossible(attachment, config, facts);
    const scope = { dataDir: config.dataDir, network: attachment.network };
    using store = openStore(folder, undefined, (draft) => rebuild(draft, kernel, scope));
    const reading = { ...adoption(kernel, config.bridge), lock: () => ({ [Symbol.dispose]() {} }), release() {} };
    const asked = { request, call, kernel };
    const memory = entryMemory(asked, store, { adoption: reading });
    return read((await prepare(asked, facts, memory)).plan, kernel);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
