/** ADD: reads, leases, plans, commits. All of it or nothing: whatever fails, what this call made is undone and the first cause is told. */

import { type Attachment, attachmentText } from "../conf/attachment.ts";
import type { Call } from "../conf/call.ts";
import type { NetworkConfig } from "../conf/config/config.ts";
import { callAgain, code, deleteFirst, Fault } from "../conf/fault.ts";
import type { Request } from "../conf/request.ts";
import { formatResult } from "../conf/result/format.ts";
import type { Result, ResultAddress } from "../conf/result/result.ts";
import { ipamFor } from "../ipam/index.ts";
import type { Lease } from "../ipam/ipam.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { hostLinkName } from "../kernel/linkNames.ts";
import { hostNetworks } from "../kernel/routes.ts";
import defer * as defaultGateway from "../plan/defaultGateway.ts";
import type { Facts } from "../plan/facts.ts";
import { innerIndex, type Plan } from "../plan/plan.ts";
import { plan } from "../plan/planner.ts";
import { commit } from "../step/commit.ts";
import { givenBy } from "../step/index.ts";
import type { Entry, NewEntry } from "../store/entry.ts";
import { thisProcess } from "../store/index.ts";
import type { Store } from "../store/store.ts";
import { errno, isKernelError } from "../sys/errors.ts";
import type { NetnsIdentity } from "../sys/netns.ts";
import { readFacts } from "./attach/facts.ts";
import defer * as joinedResult from "./attach/joinedResult.ts";
import type { LinkFirst } from "./attach/linkFirst.ts";
import defer * as linkFirst from "./attach/linkFirst.ts";
import { openKernelOf } from "./attach/openKernelOf.ts";
import defer * as forwardPolicy from "./diagnose/forwardPolicy.ts";
import defer * as overlappingRoutes from "./diagnose/overlappingRoutes.ts";
import defer * as earlierBoots from "./liveness/earlierBoots.ts";
import defer * as reclaim from "./liveness/reclaim.ts";
import defer * as refuseLiving from "./liveness/refuseLiving.ts";
import { refuseImpossible } from "./preflight/impossible.ts";
import { openOrCreate } from "./recovery/openStore.ts";
import { leavingOf, removeAttachment } from "./removal/attachment.ts";
import defer * as interruptedAdd from "./removal/interruptedAdd.ts";
import defer * as leases from "./takeover/leases.ts";

export interface AddOptions {
  /** A person waits for the answer, not a runtime: there is time to look around. */
  readonly isByHand?: boolean;
  /** Sees each plan before it is committed. */
  readonly onPlan?: (made: Plan) => void;
  /** A kernel other than the real one, for tests that make requests fail. */
  readonly openKernel?: typeof openKernelOf;
}

/** Attaches a container. Throws Fault or KernelError, with nothing left behind. */
export async function add(request: Request, call: Call, options: AddOptions = {}): Promise<Added> {
  using kernel = (options.openKernel ?? openKernelOf)(request, call);
  let facts = readFacts(request.config, request.attachment, kernel);
  if (facts.isIfnameTaken || isPresent(request.attachment, kernel)) {
    const undone = await interruptedAdd.undoInterrupted(request.attachment, request.config.dataDir, kernel);
    if (undone) facts = readFacts(request.config, request.attachment, kernel);
  }
  refuseImpossible(request.attachment, request.config, facts);
  refuseAttached(request.attachment, kernel);
  // Left open: a plugin's process ends at once, and closing would write and sync.
  const store = openOrCreate({ dataDir: request.config.dataDir, network: request.attachment.network }, kernel);
  for (let attempt = 1; ; attempt++) {
    try {
      return await attach(request, call, options, kernel, facts, store);
    } catch (error) {
      // A gc found the bridge idle after it was looked at and before the entry said who needs it.
      if (attempt === attemptsMax || !isBridgeGone(error, request.config, kernel)) throw error;
      facts = readFacts(request.config, request.attachment, kernel);
    }
  }
}

export interface Added {
  readonly result: Result;
  readonly plan: Plan;
}

const attemptsMax = 5;

/** As the kernel says of a link or of its master: what was seen is not there, whatever has its name by now. */
function isBridgeGone(error: unknown, { bridge }: NetworkConfig, kernel: Kernel): boolean {
  if (bridge === "" || !isKernelError(error, errno.ENODEV, errno.EINVAL)) return false;
  const seen = kernel.link("host", bridge)?.index;
  kernel.forget("host", bridge);
  const now = kernel.link("host", bridge)?.index;
  return now === undefined || now !== seen;
}

function withGateways(lease: Lease, { isGateway }: NetworkConfig): Lease {
  if (!isGateway) return lease;
  for (const { gateway } of lease.addresses) {
    if (gateway === undefined) return defaultGateway.withDefaultGateways(lease);
  }
  return lease;
}

function isPresent(attachment: Attachment, kernel: Kernel): boolean {
  return kernel.link("host", hostLinkName(attachment)) !== undefined;
}

/**
 * The attachment's link stands, so it is in another namespace that lives (in this one its inner end was found before).
 * Said before the store is asked, which costs nothing; `mayTakeOver` says it of what was made meanwhile.
 */
function refuseAttached(attachment: Attachment, kernel: Kernel): void {
  if (!isPresent(attachment, kernel)) return;
  const host = hostLinkName(attachment);
  throw new Fault(
    code.environment,
    `Cannot attach ${attachmentText(attachment)}: it is attached already, by link ${host} to another namespace`,
    deleteFirst,
  );
}

async function attach(
  request: Request,
  call: Call,
  options: AddOptions,
  kernel: Kernel,
  facts: Facts,
  store: Store,
): Promise<Added> {
  const { attachment, config } = request;
  const ipam = ipamFor(config.ipam.type);
  const early = speaksByLink(config) ? linkFirstFor(request, facts, kernel) : undefined;
  const context: Parameters<typeof ipam.acquire>[0] = {
    call,
    request,
    config: config.ipam,
    entry: newEntry(request, { ...kernel.netns!, cookie: kernel.netnsCookie }),
    store,
    hostNetworks: () => hostNetworks(kernel),
    mayTakeOver: (standing) => refuseLiving.refuseLiving(standing, kernel),
    ...(early && { prepare: (before) => preparedAfter(before, early, store, kernel) }),
    adoption: () => leases.adoption(kernel, config.bridge),
  };
  let lease: Lease;
  try {
    lease = await ipam.acquire(context);
  } catch (error) {
    lease = await reclaim.retried(error, { network: attachment.network, store, kernel }, () => ipam.acquire(context));
  }
  lease = withGateways(lease, config);
  let undo: ReturnType<typeof commit> | undefined;
  let isUndone = false;
  try {
    const made = plan({ attachment, netns: request.netns, config: early?.config ?? config, lease, facts });
    options.onPlan?.(made);
    const result = resultOf(request, made, lease);
    formatResult(result, config.cniVersion); // refuses what that version cannot say, while nothing is made
    if (lease.before && !early) undoEarlier(lease.before, store, kernel);
    isUndone = lease.before !== undefined;
    undo = commit(early?.rest(made.steps) ?? made.steps, kernel);
    if (!store.attached(attachment, { mac: made.mac, steps: made.steps })) throw deletedMeanwhile(attachment);
    if (facts.bridge === undefined) sweep(store);
    if (options.isByHand || (facts.bridge === undefined && config.type !== "ptp")) hintAtObstacles(made, lease, kernel);
    const signal = await call.interruption.came();
    if (signal) throw new Fault(code.tryAgain, `Interrupted by ${signal}: what was made is undone`, callAgain);
    return { result, plan: made };
  } catch (error) {
    undo?.();
    early?.undo();
    if (lease.made || isUndone) await releaseQuietly(request, store, call);
    throw error;
  }
}

/** An ADD that comes again without a DEL, to an attachment whose link is gone: what it had beside that is not to outlive it. */
function undoEarlier(before: Entry, store: Store, kernel: Kernel): void {
  const [first] = removeAttachment(leavingOf(before, "absent"), store, kernel);
  if (first) throw first;
}

/** What the earlier one made may have the name of what is made now. */
function preparedAfter(before: Entry | undefined, early: LinkFirst, store: Store, kernel: Kernel): () => void {
  if (before) undoEarlier(before, store, kernel);
  return early.prepare();
}

/** DHCP is spoken by the interface that wants the address. */
function speaksByLink({ ipam }: NetworkConfig): boolean {
  return ipam.type === "delegate" && ipam.plugin === "dhcp";
}

function linkFirstFor(request: Request, facts: Facts, kernel: Kernel): LinkFirst {
  return linkFirst.early(request, facts, kernel);
}

/** The first ADD since a boot finds no bridge: a moment to forget what that boot ended, with no look at the store before. */
function sweep(store: Store): void {
  earlierBoots.sweepEarlierBoots(store);
}

/** Asked when a network's bridge is made, and not again: what it costs, an ordinary ADD does not pay. */
function hintAtObstacles({ through, routes, steps }: Plan, { addresses }: Lease, kernel: Kernel): void {
  if (through === undefined) return;
  try {
    if (steps.some((step) => givenBy(step).address?.where === "host"))
      overlappingRoutes.hintAtOverlaps(through, addresses, kernel);
  } catch {
    return; // a hint must not fail what it is about
  }
  if (!routes.some(({ gw }) => gw !== undefined)) return;
  const hasIpv6 = addresses.some(({ address }) => address.includes(":"));
  forwardPolicy.hintAtBlockers(through, hasIpv6, kernel);
}

function deletedMeanwhile(attachment: Attachment): Fault {
  const what = `Cannot attach ${attachmentText(attachment)}: its entry was removed from the store meanwhile`;
  return new Fault(code.tryAgain, what, callAgain);
}

/** Frees the lease of an ADD that failed. A second failure must not hide the first. */
async function releaseQuietly(
  { attachment, netns, config, pluginPath, raw }: Request,
  store: Store,
  call: Call,
): Promise<void> {
  const { name: network, cniVersion, dataDir, bridge } = config;
  const ipamType = config.ipam.type === "delegate" ? config.ipam.plugin : config.ipam.type;
  try {
    await ipamFor(config.ipam.type).release(
      { network, cniVersion, dataDir, bridge, ipamType, pluginPath, raw, attachment, netns },
      store,
      call,
    );
  } catch {
    // The entry still says "adding": the next DEL, ADD or GC finishes it.
  }
}

export function newEntry({ attachment, netns: netnsPath, config, labels }: Request, netns: NetnsIdentity): NewEntry {
  return {
    attachment,
    netnsPath,
    netnsDevice: netns.device,
    netnsInode: netns.inode,
    netnsCookie: netns.cookie ?? 0n,
    ...thisProcess(),
    bridge: config.bridge,
    hostLink: hostLinkName(attachment),
    ipamType: config.ipam.type === "delegate" ? config.ipam.plugin : config.ipam.type,
    ...(labels.podNamespace !== undefined && { podNamespace: labels.podNamespace }),
    ...(labels.podName !== undefined && { podName: labels.podName }),
    ...(config.aliases && { aliases: config.aliases }),
    ...(config.features?.portMappings.length && { ports: config.features.portMappings }),
  };
}

/** The addresses belong to the container's interface. */
export function resultOf({ config }: Request, made: Plan, lease: Lease): Result {
  const dns = config.dns ?? lease.dns;
  const ips: ResultAddress[] = [];
  const inner = innerIndex(made);
  for (const leased of lease.addresses) ips.push({ ...leased, interface: inner });
  const own = { interfaces: made.interfaces, ips, routes: made.routes, ...(dns && { dns }) };
  // An ipvlan takes over the addresses of the plugin before it.
  if (config.prevResult === undefined || config.type === "ipvlan") return own;
  return joinedResult.joinedResult(config.prevResult, own);
}
