/**
 * Plugins that work on what stands already: what another plugin of the chain made, or `lo`. Their plan is committed and
 * undone as any other; what they did is remembered beside the entry, so that DEL needs neither `prevResult` nor
 * `runtimeConfig`.
 */

import { type Attachment, attachmentText } from "../../conf/attachment.ts";
import type { Call } from "../../conf/call.ts";
import { familiesIn } from "../../conf/config/ipam.ts";
import { callAgain, code, Fault } from "../../conf/fault.ts";
import type { PluginType } from "../../conf/pluginType.ts";
import type { CollectRequest, DeleteRequest, Raw, Request } from "../../conf/request.ts";
import { formatResult } from "../../conf/result/format.ts";
import type { Result } from "../../conf/result/result.ts";
import { isAllOurs } from "../../ipam/hostLocal/adopted.ts";
import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { openIfPresent } from "../../kernel/namespace.ts";
import { deviceGroup } from "../../kernel/ownership.ts";
import { type ChainedPlan, containerAddresses } from "../../plan/chain.ts";
import { chainedType, roleOf } from "../../plan/types.ts";
import defer * as tuningBackup from "../../reference/tuningBackup.ts";
import { commit, undoAll } from "../../step/commit.ts";
import { expectedAfter } from "../../step/expected.ts";
import { checkStep, leftoversOf, type Removal, type Step, stepsOf } from "../../step/index.ts";
import { differenceText, distinct, type Hints } from "../../step/kind.ts";
import type { ChainedKey, ChainedRecord } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";
import { isSameNetns } from "../../sys/netns.ts";
import { readFacts } from "../attach/facts.ts";
import { openKernelOf } from "../attach/openKernelOf.ts";
import { checkNeedsPrevResult, throwTogether } from "../faults.ts";
import defer * as portsInUse from "../preflight/portsInUse.ts";
import defer * as sysctlAllowList from "../preflight/sysctlAllowList.ts";
import { openExisting, openOrCreate } from "../recovery/openStore.ts";
import defer * as newerStore from "../removal/newerStore.ts";
import defer * as ingressPolicies from "../shared/ingressPolicies.ts";
import defer * as find from "../takeover/find.ts";
import { configHash } from "./key.ts";
import { placeOf } from "./place.ts";
import { inContainer, undoRecorded } from "./undo.ts";

export async function addChained(request: Request, call: Call): Promise<Result> {
  const { attachment, config, netns: path } = request;
  const type = chainedType(config.type);
  const prev = config.prevResult ?? { interfaces: [], ips: [], routes: [] };
  if (!config.prevResult && !type.first) throw mustBeChained(config.type);
  using kernel = openKernelOf(request, call);
  const planned = () => planOf(request, prev, kernel);
  let { steps, result, ports } = planned();
  formatResult(result, config.cniVersion);
  if (steps.length === 0) return result;
  const store = type.remembers === false ? undefined : openOrCreate({ dataDir: config.dataDir }, kernel);
  const key = keyOf(attachment, config.type, request.raw);
  for (;;) {
    const place = placeOf(path, steps, kernel);
    const earlier = store?.remember({ ...key, ...place, steps }, ports);
    if (!earlier) break;
    // An ADD that comes again without a DEL: what the one before made is no beginning for this one, nor to be put back.
    throwTogether(undoRecorded([earlier], path, store!, kernel));
    kernel.forgetAll();
    ({ steps, result, ports } = planned());
  }
  try {
    const undo = commit(steps, kernel);
    const signal = await call.interruption.came();
    if (!signal) return result;
    undo();
    throw new Fault(code.tryAgain, `Interrupted by ${signal}: what was made is undone`, callAgain);
  } catch (error) {
    store?.forget(key);
    throw error;
  }
}

/** What the plugin is to do. Throws Fault for what it may not, before anything is touched. */
function planOf({ attachment, netns, config }: Request, prev: Result, kernel: Kernel): ChainedPlan {
  const features = config.features!;
  if (roleOf(config.type) === "chained") {
    if (Object.keys(features.sysctl).length > 0) sysctlAllowList.refuseForbidden(features);
    if (features.portMappings.length > 0) {
      const families = familiesIn(containerAddresses(attachment.ifname, prev));
      portsInUse.refuseTaken({ mappings: features.portMappings, attachment, families }, kernel);
    }
  }
  const facts = () => readFacts(config, attachment, kernel);
  return chainedType(config.type).plan({ attachment, netns, config, features, prev, kernel, facts });
}

function mustBeChained(type: PluginType): Fault {
  return new Fault(
    code.config,
    `Cannot run ${type} without prevResult`,
    `${type} works on what another plugin made: name it after that one in a list of plugins`,
  );
}

/** Of most, an attachment has one: what it did last is what a call is about, whatever the configuration is by now. */
function keyOf(attachment: Attachment, plugin: PluginType, raw: Raw): ChainedKey {
  return { attachment, plugin, config: chainedType(plugin).several ? configHash(raw) : "" };
}

export function delChained(request: DeleteRequest & { readonly type: PluginType }, call: Call): void {
  using host = openKernel({ host: call.namespace, stderr: call.stderr });
  const { remembers, leave } = chainedType(request.type);
  if (leave) inStanding(request.netns, host, leave);
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

/** Not in the caller's own namespace, which no ADD was given. */
function inStanding(path: string, host: Kernel, work: (kernel: Kernel) => void): void {
  const netns = openIfPresent(path);
  if (netns === undefined) return;
  using kernel = host.withContainer(netns);
  if (!isSameNetns(netns, host.host)) work(kernel);
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

/** What the reference's plugin of that type did: to an attachment that the reference made, or to one of ours before ns-net came in its place. */
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
    const addresses = entry.addresses.map(({ address }) => address.replace(/\/.*/s, ""));
    return [{ kind: "adopted", attachment: request.attachment, addresses, files: [], part }];
  }
  const removal = find.adoptedOf(request, entry, store, kernel);
  return removal ? [{ ...removal, part }] : [];
}

/** Puts everything back that the reference's tuning noted, and removes the note. */
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
  const prev = config.prevResult;
  if (!prev) throw checkNeedsPrevResult();
  const store = openExisting({ dataDir: config.dataDir }, kernel);
  const remembered = store && rememberedOf(keyOf(attachment, config.type, request.raw), store);
  // What the reference's plugin did is its own; the one that made the interface tells of it.
  if (remembered === undefined && isAdopted(request, store)) return;
  // Nothing remembered: an ADD would have done this, unless it never came or its work is undone.
  const steps = remembered ?? planOf(request, prev, kernel).steps;
  const found = steps.flatMap((step) => checkStep(step, kernel));
  if (found.length === 0) return;
  const lines = distinct(found).map(differenceText);
  throw new Fault(
    code.checkFailed,
    `${attachmentText(attachment)} is not as ${config.type} made it: ${lines.join("; ")}`,
    "Restart the container, or DEL and ADD the attachment",
  );
}

/**
 * What the plugin did, as those after it left it; where its configuration was edited meanwhile, what all of its type did.
 * Undefined where none is remembered.
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
