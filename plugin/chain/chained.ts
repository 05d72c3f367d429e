/**
 * Chained plugins change what another plugin of the chain created, or `lo`. Their plan is committed and undone as any
 * other. A record beside the entry keeps their steps, so that DEL, CHECK and GC need neither `prevResult` nor
 * `runtimeConfig`.
 */

import { attachmentText } from "../../conf/attachment.ts";
import type { Call } from "../../conf/call.ts";
import { code, Fault } from "../../conf/fault.ts";
import type { PluginType } from "../../conf/pluginType.ts";
import type { CollectRequest, DeleteRequest, Request } from "../../conf/request.ts";
import { withoutPrefix } from "../../ip/address.ts";
import { isAllOurs } from "../../ipam/hostLocal/adopted.ts";
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { openIfPresent } from "../../kernel/namespace.ts";
import { deviceGroup } from "../../kernel/ownership.ts";
import { changeLink, linkFlag } from "../../netlink/route/link.ts";
import { noLease } from "../../plan/chain.ts";
import type { Plan } from "../../plan/plan.ts";
import { plan } from "../../plan/planner.ts";
import { chainedType } from "../../plan/types.ts";
import defer * as tuningBackup from "../../reference/tuningBackup.ts";
import { undoAll } from "../../step/commit.ts";
import { expectedAfter } from "../../step/expected.ts";
import { checkStep, leftoversOf, type Removal, type Step, stepsOf } from "../../step/index.ts";
import { type Difference, differenceText, distinct, type Hints } from "../../step/kind.ts";
import type { ChainedKey, ChainedRecord } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";
import { isSameNetns } from "../../sys/netns.ts";
import { chainedFactsOf, resultBefore } from "../attach/facts/read.ts";
import { openKernelOf } from "../attach/openKernelOf.ts";
import { checkNeedsPrevResult, throwTogether } from "../faults.ts";
import { openExisting } from "../recovery/openStore.ts";
import defer * as newerStore from "../removal/newerStore.ts";
import defer * as ingressPolicies from "../shared/ingressPolicies.ts";
import defer * as find from "../takeover/find.ts";
import defer * as rulesLeft from "../takeover/rulesLeft.ts";
import { keyOf } from "./key.ts";
import { inContainer, undoRecorded } from "./undo.ts";

/** The plan that an ADD would commit now. */
function planOf(request: Request, kernel: Kernel): Plan {
  const { attachment, netns, config } = request;
  const facts = chainedFactsOf(request, kernel);
  return plan({ attachment, netns, config, prev: resultBefore(request), lease: noLease, facts });
}

export function delChained(request: DeleteRequest & { readonly type: PluginType }, call: Call): void {
  using host = openKernel({ host: call.namespace, stderr: call.stderr });
  const { remembers, takesDown } = chainedType(request.type);
  if (takesDown) takeDown(takesDown, request.netns, host);
  if (remembers === false) return;
  const errors: Error[] = [];
  let store: Store | undefined;
  let known: ChainedRecord | undefined;
  try {
    store = openExisting({ dataDir: request.dataDir }, host);
    known = store?.recall(keyOf(request.attachment, request.type, request.raw));
  } catch (error) {
    errors.push(...newerStore.unlessNewer(error as Error, host));
  }
  errors.push(...(known ? undoRecorded([known], request.netns, store!, host) : undoUnknown(request, store, host)));
  throwTogether(errors);
}

function undoUnknown(
  request: DeleteRequest & { readonly type: PluginType },
  store: Store | undefined,
  host: Kernel,
): Error[] {
  return inContainer(
    host,
    () => openIfPresent(request.netns),
    (kernel) => {
      const { leftovers = [] } = chainedType(request.type);
      const own = leftoversOf(leftovers, { kind: "attachment", name: request.attachment }, hintsOf(request, store));
      return undoAll([...own, ...adopted(request, store, kernel)].reverse(), kernel);
    },
  );
}

/** Sets a link down if the namespace still exists. Never in the host's own namespace, which no ADD got. */
function takeDown(name: string, path: string, host: Kernel): void {
  const netns = openIfPresent(path);
  if (netns === undefined) return;
  using kernel = host.withContainer(netns);
  if (isSameNetns(netns, host.host)) return;
  kernel.request("container", changeLink(`take down ${name}`, { name, clear: linkFlag.up }));
}

function hintsOf(request: DeleteRequest, store: Store | undefined): Hints {
  return {
    text(key) {
      const value = find.given(request)[key];
      return typeof value === "string" ? value : undefined;
    },
    addresses: () => find.freeAddresses(request, store),
  };
}

/** Removals of what the reference's plugin of that type did to one of its attachments, or to one of ours. */
function adopted(
  request: DeleteRequest & { readonly type: PluginType },
  store: Store | undefined,
  kernel: Kernel,
): Removal[] {
  if (request.type === "tuning") return tuningRemovals(request);
  const part = adoptedParts.find((name) => name === request.type);
  if (part === undefined) return [];
  const entry = store?.find(request.attachment);
  if (entry !== undefined && isAllOurs(entry)) {
    const addresses = entry.addresses.map(({ address }) => withoutPrefix(address));
    return [{ kind: "adopted", attachment: request.attachment, addresses, files: [], part }];
  }
  const removal = find.adoptedOf(request, entry, store, kernel);
  return removal ? [{ ...removal, part }] : [];
}

/** Restores what is in the backup of the reference's tuning, and removes the backup. */
function tuningRemovals(request: DeleteRequest): Removal[] {
  const noted = tuningBackup.backupOf(request);
  if (noted === undefined) return [];
  const { network, ifname: link } = request.attachment;
  return [{ kind: "tuning", link, was: noted.was, backup: { file: noted.file, lentGroup: deviceGroup(network) } }];
}

const adoptedParts = ["portmap", "firewall", "bandwidth"] as const;

export function checkChained(request: Request, call: Call): void {
  const { attachment, config } = request;
  using kernel = openKernelOf(request, call);
  if (!config.prevResult) throw checkNeedsPrevResult();
  const store = openExisting({ dataDir: config.dataDir }, kernel);
  const remembered = store && rememberedOf(keyOf(attachment, config.type, request.raw), store);
  // CHECK of the interface plugin checks the rest of an adopted attachment.
  const others = remembered === undefined && isAdopted(request, store) ? lostPorts(request, kernel) : undefined;
  if (others?.length === 0) return;
  // Without a record: compares with what an ADD would do now. Its ADD never came, or its work is undone.
  const steps = remembered ?? planOf(request, kernel).steps;
  const own = steps.flatMap((step) => checkStep(step, kernel));
  if (own.length === 0) return;
  const found = others ?? own;
  const lines = distinct(found).map(differenceText);
  throw new Fault(
    code.checkFailed,
    `${attachmentText(attachment)} is not as ${config.type} made it: ${lines.join("; ")}`,
    "Restart the container, or DEL and ADD the attachment",
  );
}

/** The rules of published ports that the reference's portmap made of an adopted attachment, and that are gone. */
function lostPorts({ attachment, config }: Request, kernel: Kernel): readonly Difference[] {
  const { portMappings: ports = [] } = config.features ?? {};
  if (config.type !== "portmap") return [];
  const addresses = config.prevResult!.ips.map(({ address }) => withoutPrefix(address));
  return rulesLeft.rulesMissing({ attachment, addresses, isMasqueraded: false, ports }, kernel);
}

/**
 * The recorded steps of the plugin, as later plugins left them. If its configuration was edited since, those of all plugins
 * of its type. Undefined if there is no record.
 */
function rememberedOf({ attachment, plugin, config }: ChainedKey, store: Store): readonly Step[] | undefined {
  const inOrder = store.chainedRecords(attachment).reverse();
  const ofType = inOrder.filter((one) => one.plugin === plugin);
  if (ofType.length === 0) return undefined;
  const exact = ofType.filter((one) => one.config === config);
  return (exact.length > 0 ? exact : ofType).flatMap((one) => {
    const after = inOrder.slice(inOrder.indexOf(one) + 1).flatMap(stepsOf);
    return expectedAfter(stepsOf(one), after);
  });
}

function isAdopted(request: Request, store: Store | undefined): boolean {
  return find.adoptedOf(find.askedBy(request), store?.find(request.attachment), store) !== undefined;
}

export function collectChained(request: CollectRequest & { readonly type: PluginType }, call: Call): void {
  using kernel = openKernel({ host: call.namespace, stderr: call.stderr });
  const errors: Error[] = [];
  using store = openExisting({ dataDir: request.dataDir }, kernel);
  const valid = new Set(request.valid.map(({ container, ifname }) => `${container}\0${ifname}`));
  for (const later of store?.chainedRecordsOf(request.network, request.type) ?? []) {
    const { container, ifname } = later.attachment;
    if (!valid.has(`${container}\0${ifname}`)) errors.push(...undoRecorded([later], "", store!, kernel));
  }
  try {
    if (request.type === "firewall") ingressPolicies.removeIdlePolicies(store, [], kernel);
  } catch (error) {
    errors.push(error as Error);
  }
  throwTogether(errors);
}
