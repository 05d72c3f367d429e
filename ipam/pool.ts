/** `ipam.type` "ns-net" and "host-local": addresses from ranges, kept in the store. */

import type { StoreIpamConfig } from "../conf/config/config.ts";
import { code, Fault } from "../conf/fault.ts";
import type { Dns } from "../conf/result/result.ts";
import { type Address, formatAddress } from "../ip/address.ts";
import type { Begun, Entry, NetworkMemory, NewEntry } from "../store/entry.ts";
import { isSameNamespace } from "../store/namespace.ts";
import type { Store } from "../store/store.ts";
import { statusIfThere } from "../sys/files.ts";
import { chooseSubnet } from "./chooseSubnet.ts";
import { fits, grant } from "./grant.ts";
import defer * as adopt from "./hostLocal/adopt.ts";
import * as adopted from "./hostLocal/adopted.ts";
import { reservationFolder } from "./hostLocal/folder.ts";
import defer * as reservations from "./hostLocal/reservations.ts";
import type { AcquireContext, HostNetworks, Ipam } from "./ipam.ts";
import { type BoundRange, boundRange, boundSets } from "./range.ts";
import { requireAddresses } from "./requireAddresses.ts";
import defer * as resolvConf from "./resolvConf.ts";
import defer * as usage from "./usage.ts";

export const local: Ipam<StoreIpamConfig> = {
  acquire(context) {
    const { request, config, entry, store, hostNetworks } = context;
    const { network } = entry.attachment;
    // Before the transaction: refuses without a lease what can be refused without one.
    const dns = config.resolvConf === undefined ? config.dns : { ...readNames(config.resolvConf), ...config.dns };
    const configured = boundSets(config.rangeSets);
    const requested = request.config.requestedAddresses;
    const begin = () =>
      store.begin(entry, (existing) => {
        if (existing) context.mayTakeOver?.(existing);
        const { sets, memory } = withChosen(configured, network, store, hostNetworks);
        const adoptedFrom = context.adoption ? (memory.adoptedFrom ?? unlessReserved(network, config)) : "";
        if (existing && (isAttachedThere(existing, entry) || fits(existing, { sets, requested }))) return "keep";
        const granted = grant(store, entry, { sets, requested, memory: { ...memory, adoptedFrom } });
        if (adoptedFrom !== "") refuseReserved(adoptedFrom, granted.reserved);
        return granted;
      });
    const begun = adoptingFirst(context, begin);
    if (begun.before) releaseAdopted(context, begun.before);
    const { made, before } = begun;
    const { addresses } = begun.entry;
    return { addresses, routes: config.routes, ...(dns === undefined ? {} : { dns }), made, before };
  },

  release({ attachment }, store) {
    store?.remove(attachment);
  },

  check({ attachment }, _config, store, addresses) {
    requireAddresses(attachment, store.find(attachment)?.addresses, addresses);
  },

  status({ config: { name } }, config, store, hostNetworks) {
    const { sets } = withChosen(boundSets(config.rangeSets), name, store, hostNetworks);
    for (const { range, size, used } of usage.usageOf(sets, name, store)) {
      if (BigInt(used) < size) continue;
      throw new Fault(
        code.unavailable,
        `No free address in ${range} of network ${name}: ${used} of ${size} in use`,
        'See what can be reclaimed with "ns-net gc --dry-run", or configure a larger subnet',
      );
    }
  },
};

/** True if the attachment exists in that namespace: it keeps its lease, whatever the configuration says now. */
function isAttachedThere(existing: Entry, entry: NewEntry): boolean {
  return existing.state === "attached" && isSameNamespace(existing, entry);
}

/** The reference's host-local has leases of this network that are not in the store. */
class ReservedElsewhere extends Error {}

/**
 * Answers "", which the store remembers, if host-local never gave an address of the network. Throws ReservedElsewhere.
 */
function unlessReserved(network: string, { hostLocalDir }: StoreIpamConfig): string {
  if (statusIfThere(reservationFolder(network, hostLocalDir))) throw new ReservedElsewhere();
  return "";
}

function refuseReserved(folder: string, addresses: readonly Address[]): void {
  for (const address of addresses) {
    if (statusIfThere(`${folder}/${formatAddress(address)}`) && reservations.reservationOf(folder, address))
      throw new ReservedElsewhere();
  }
}

/** Calls `begin`. If there are leases to take over, takes them over and calls it again, holding host-local's lock. */
function adoptingFirst({ config, entry, store, adoption }: AcquireContext<StoreIpamConfig>, begin: () => Begun): Begun {
  let lock: Disposable | undefined;
  try {
    for (;;) {
      try {
        return begin();
      } catch (error) {
        if (!(error instanceof ReservedElsewhere)) throw error;
        const { network } = entry.attachment;
        const folder = reservationFolder(network, config.hostLocalDir);
        const host = adoption!();
        lock ??= host.lock(`${folder}/${reservations.lockFile}`);
        adopt.adopt({ network, folder, sets: boundSets(config.rangeSets), store, adoption: host });
      }
    }
  } finally {
    lock?.[Symbol.dispose]();
  }
}

/** With this ADD an attachment of another plugin becomes ours, and its lease is only in the store. */
function releaseAdopted({ entry, adoption }: AcquireContext<StoreIpamConfig>, before: Entry): void {
  const step = adopted.adoptedStep(before);
  if (step !== undefined) adoption?.().release(entry.attachment.container, step.files);
}

function readNames(path: string): Dns {
  return resolvConf.readResolvConf(path);
}

/**
 * The range sets, or the subnet that was chosen once for this network. If two processes choose at the same time, the
 * second one reads the first one's choice: the caller is inside the store's write transaction.
 */
function withChosen(
  configured: readonly (readonly BoundRange[])[],
  network: string,
  store: Store,
  hostNetworks: HostNetworks,
): { sets: readonly (readonly BoundRange[])[]; memory: NetworkMemory } {
  const memory = store.memory(network) ?? { subnets: [], cursors: {} };
  if (configured.length > 0) return { sets: configured, memory };
  const chosen = memory.chosen ?? chooseSubnet(network, [...hostNetworks(), ...store.subnetsOfOthers(network)]);
  return { sets: [[boundRange({ subnet: chosen })]], memory: { ...memory, chosen } };
}
