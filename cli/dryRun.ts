/**
 * Plans an ADD without doing it: works on a copy of the store, and replaces a missing namespace by one without a name.
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Call } from "../conf/call.ts";
import type { NetworkConfig } from "../conf/config/config.ts";
import { code, Fault } from "../conf/fault.ts";
import type { Request } from "../conf/request.ts";
import { type Kernel, openKernel } from "../kernel/kernel.ts";
import { openContainerNetns } from "../kernel/namespace.ts";
import { anonymousNetns } from "../kernel/newNamespace.ts";
import type { Plan } from "../plan/plan.ts";
import type { AddOptions } from "../plugin/add.ts";
import type { Asked } from "../plugin/attach/asked.ts";
import { entryMemory } from "../plugin/attach/entryMemory.ts";
import { interfaceFacts } from "../plugin/attach/facts/interface.ts";
import { prepare } from "../plugin/attach/prepare.ts";
import { refuseImpossible } from "../plugin/preflight/impossible.ts";
import { rebuild } from "../plugin/recovery/rebuild.ts";
import { adoption } from "../plugin/takeover/leases.ts";
import { explained } from "../step/explained.ts";
import type { Step } from "../step/index.ts";
import { openStore } from "../store/index.ts";
import type { Store } from "../store/store.ts";
import type { Target } from "./target.ts";

/**
 * The steps that an ADD of each request would commit, with the address it would give, as ip and nft commands, each group
 * with its reason. Leaves out existing things that attachments share (the bridge, its gateway address, rules). `onPlan`
 * sees each plan. Throws Fault if ADD would refuse.
 */
export async function preview(
  requests: readonly Request[],
  call: Call,
  { name, path }: Target,
  { onPlan, reservedSubnets }: Pick<AddOptions, "onPlan" | "reservedSubnets">,
): Promise<string> {
  for (const { config } of requests) refuseDelegate(config);
  const isNew = name !== undefined && !existsSync(path);
  const container = existsSync(path)
    ? openContainerNetns(
        path,
        requests.every(({ mayBeOwnNetns }) => mayBeOwnNetns),
      )
    : anonymousNetns();
  using kernel = openKernel({ container, stderr: call.stderr });
  using copies = new Copies(kernel);
  const steps: Step[] = [];
  for (const request of requests) {
    const made = await planned({ request, call, kernel, reservedSubnets }, copies);
    onPlan?.(made);
    steps.push(...made.steps);
  }
  const making = ["# A new network namespace has only a loopback interface.", `ip netns add ${name}`];
  const lines = [...(isNew ? making : []), ...explained(steps, { kernel, netns: path })];
  return lines.map((line) => `${line}\n`).join("");
}

function refuseDelegate({ ipam }: NetworkConfig): void {
  if (ipam.type !== "delegate") return;
  throw new Fault(
    code.config,
    `Cannot plan without asking ${ipam.plugin} for an address`,
    "--dry-run works with addresses of ns-net itself: ipam.type ns-net, host-local or static",
  );
}

async function planned(asked: Asked, copies: Copies): Promise<Plan> {
  const { request, kernel } = asked;
  const { attachment, config } = request;
  const facts = interfaceFacts(request, kernel);
  refuseImpossible(attachment, config, facts);
  const store = copies.storeOf(config.dataDir, attachment.network);
  const reading = { ...adoption(kernel, config), lock: () => ({ [Symbol.dispose]() {} }), release() {} };
  const memory = entryMemory(asked, store, { adoption: reading });
  return (await prepare(asked, facts, memory)).plan;
}

/** Copies of stores. The requests share them, so that each gets another address. */
class Copies implements Disposable {
  readonly kernel: Kernel;
  readonly #opened = new Map<string, { readonly folder: string; readonly store: Store }>();

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  storeOf(dataDir: string, network: string): Store {
    const before = this.#opened.get(dataDir);
    if (before) return before.store;
    const folder = mkdtempSync(join(tmpdir(), "ns-net-dry-run-"));
    try {
      if (existsSync(dataDir)) cpSync(dataDir, folder, { recursive: true });
      const store = openStore(folder, undefined, (draft) => rebuild(draft, this.kernel, { dataDir, network }));
      this.#opened.set(dataDir, { folder, store });
      return store;
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  [Symbol.dispose](): void {
    for (const { folder, store } of this.#opened.values()) {
      store.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }
}
