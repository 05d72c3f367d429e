/** The entry of an attachment and its lease, as ADD writes them. For interface plugins, and for an IPAM called by name. */
import { attachmentText } from "../../conf/attachment.ts";
import type { IpamConfig, NetworkConfig } from "../../conf/config/config.ts";
import { callAgain, code, Fault } from "../../conf/fault.ts";
import type { Request } from "../../conf/request.ts";
import { formatResult } from "../../conf/result/format.ts";
import type { Result } from "../../conf/result/result.ts";
import { ipamFor } from "../../ipam/index.ts";
import type { AcquireContext, Adoption, Lease } from "../../ipam/ipam.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import { hostNetworks } from "../../kernel/routes.ts";
import defer * as defaultGateway from "../../plan/defaultGateway.ts";
import type { Facts } from "../../plan/facts.ts";
import type { AnyFacts } from "../../plan/planner.ts";
import { roleIn } from "../../plan/types.ts";
import type { Entry, NewEntry } from "../../store/entry.ts";
import { thisProcess } from "../../store/index.ts";
import { noNamespace } from "../../store/namespace.ts";
import type { Store } from "../../store/store.ts";
import type { NetnsIdentity } from "../../sys/netns.ts";
import { mayBlock } from "../../sys/sharedProcess.ts";
import defer * as earlierBoots from "../liveness/earlierBoots.ts";
import defer * as reclaim from "../liveness/reclaim.ts";
import defer * as refuseLiving from "../liveness/refuseLiving.ts";
import { leavingOf, removeAttachment } from "../removal/attachment.ts";
import defer * as leases from "../takeover/leases.ts";
import type { Asked } from "./asked.ts";
import defer * as linkFirst from "./linkFirst.ts";
import type { Leased, Memory } from "./memory.ts";

type Context = AcquireContext<IpamConfig>;

/**
 * `dryRun`: the store is a copy, and the kernel is left alone. Then nothing is waited for, taken over or reclaimed, and
 * `adoption` leaves the files of host-local as they are.
 */
export function entryMemory(asked: Asked, store: Store, dryRun?: { readonly adoption: Adoption }): Memory {
  const { request, call, kernel } = asked;
  const { attachment, config } = request;
  const ipam = ipamFor(config.ipam.type);
  const isInterface = roleIn(config) === "interface";
  let isUndone = false;

  /** A second ADD without a DEL, for an attachment whose link is gone: removes what it had beside the link. */
  const undoEarlier = (before: Entry) => {
    const [first] = removeAttachment(leavingOf(before, "absent"), store, kernel);
    if (first) throw first; // what is left of it may have its addresses, so they stay leased
    isUndone = true;
  };

  /** Runs in the transaction that takes the entry over: the process that removes the remains must still see what it says. */
  const mayTakeOver = (entry: Entry) => {
    refuseLiving.refuseLiving(entry, kernel);
    mayBlock("remove what an earlier ADD left");
  };

  const acquire = async (context: Context): Promise<Lease> => {
    try {
      return await ipam.acquire(context);
    } catch (error) {
      if (dryRun) throw error;
      const place = { network: attachment.network, store, kernel };
      return reclaim.retried(error, place, () => ipam.acquire(context));
    }
  };

  return {
    async lease(facts: AnyFacts): Promise<Leased> {
      const first = isInterface && needsLinkFirst(config) ? linkFirst.linkFirst(asked, facts as Facts) : undefined;
      const lease = await acquire({
        ...{ call, request, config: config.ipam, store },
        entry: newEntry(request, kernel.netns ? { ...kernel.netns, cookie: kernel.netnsCookie } : noNamespace),
        hostNetworks: () => [...hostNetworks(kernel), ...(asked.reservedSubnets?.() ?? [])],
        mayTakeOver: isInterface && !dryRun ? mayTakeOver : undefined,
        prepare:
          first &&
          ((before) => {
            if (before) undoEarlier(before); // what it created may have the names of what is created now
            return first.prepare();
          }),
        adoption: () => dryRun?.adoption ?? leases.adoption(kernel, config),
      });
      return { lease: isInterface ? withGateways(lease, config) : lease, linkFirst: first };
    },

    async begin(prepared) {
      const { lease, linkFirst: first } = prepared.leased;
      if (isInterface && lease.before && !first) undoEarlier(lease.before);
      return prepared;
    },

    end({ plan: { mac, steps, result }, facts }) {
      const finish = () => store.attached(attachment, isInterface ? { mac, steps } : {});
      const isAttached = call.isHandedOver
        ? store.exclusively(() => finish() && keepAnswer(asked, result, store))
        : finish();
      if (!isInterface) return;
      if (!isAttached) throw deletedMeanwhile(request);
      // The first ADD since a boot finds no bridge: it removes entries of earlier boots, and need not look for them.
      if ((facts as Facts).bridge === undefined) earlierBoots.sweepEarlierBoots(store);
    },

    async giveBack({ lease }) {
      if (lease.made || isUndone) await release(asked, store);
    },
  };
}

/** With the entry, in case that the caller does not get it. */
function keepAnswer({ request: { attachment, config }, call }: Asked, result: Result, { answers }: Store): true {
  answers.keep(attachment, call.id, JSON.stringify(formatResult(result, config.cniVersion)));
  return true;
}

/** DHCP needs the interface that wants the address. */
function needsLinkFirst({ ipam }: NetworkConfig): boolean {
  return ipam.type === "delegate" && ipam.plugin === "dhcp";
}

function withGateways(lease: Lease, { isGateway }: NetworkConfig): Lease {
  if (!isGateway) return lease;
  for (const { gateway } of lease.addresses) {
    if (gateway === undefined) return defaultGateway.withDefaultGateways(lease);
  }
  return lease;
}

function deletedMeanwhile({ attachment }: Request): Fault {
  const what = `Cannot attach ${attachmentText(attachment)}: its entry was removed from the store meanwhile`;
  return new Fault(code.tryAgain, what, callAgain);
}

async function release({ request, call }: Asked, store: Store): Promise<void> {
  const { attachment, netns, config, pluginPath, raw } = request;
  const { name: network, cniVersion, dataDir, bridge } = config;
  const ipamType = config.ipam.type === "delegate" ? config.ipam.plugin : config.ipam.type;
  const identity = { network, cniVersion, dataDir, bridge, ipamType, pluginPath, raw };
  try {
    await ipamFor(config.ipam.type).release({ ...identity, attachment, netns }, store, call);
  } catch {
    // The entry still says "adding": the next DEL, ADD or GC finishes it.
  }
}

function newEntry({ attachment, netns: netnsPath, config, labels }: Request, netns: NetnsIdentity): NewEntry {
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
    podNamespace: labels.podNamespace,
    podName: labels.podName,
    aliases: config.aliases,
    ports: config.features?.portMappings.length ? config.features.portMappings : undefined,
  };
}
