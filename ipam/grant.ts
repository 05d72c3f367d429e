/** Decides the addresses of an attachment: one of each range set, the requested one if it is in the set. */

import { attachmentText } from "../conf/attachment.ts";
import { badConfig, code, Fault } from "../conf/fault.ts";
import { type Address, formatAddress, parseAddress, withoutPrefix } from "../ip/address.ts";
import type { Entry, Grant, LeasedAddress, NetworkMemory, NewEntry } from "../store/entry.ts";
import type { Store } from "../store/store.ts";
import { nextFree } from "./allocate.ts";
import { poolFull } from "./poolFull.ts";
import { type BoundRange, leased, setText, spanAt, spansOf } from "./range.ts";

interface Wish {
  readonly sets: readonly (readonly BoundRange[])[];
  /** Each with or without a prefix length. That of the subnet counts. */
  readonly requested: readonly string[];
  readonly memory: NetworkMemory;
}

/**
 * How many subnets the store remembers of one network: those of the configuration, and those of each
 * `runtimeConfig.ipRanges`.
 */
const subnetsMax = 64;

/**
 * Runs inside the transaction of `Store.begin`. Throws Fault: code 7 for an impossible request, 11 if the address is in
 * use or the pool is full.
 */
export function grant(store: Store, entry: NewEntry, { sets, requested, memory }: Wish): Grant {
  const gateways = gatewaysOf(sets);
  const wanted: Address[] = [];
  for (const text of requested) wanted.push(requestedAddress(text, sets, gateways));
  const cursors = { ...memory.cursors };
  const addresses: LeasedAddress[] = [];
  const reserved: Address[] = [];
  for (let index = 0; index < sets.length; index++) {
    const set = sets[index]!;
    const spans = spansOf(set, gateways);
    const [own, second] = wanted.length === 0 ? [] : wanted.filter((address) => spanAt(spans, address) !== undefined);
    if (second !== undefined) {
      throw badConfig("requested address", formatAddress(second), `the only one in ${setText(set)}: a set gives one`);
    }
    const { span, value } = own === undefined ? freeOf(index, set) : requestedOf(own, set);
    addresses.push(leased(span.range, value));
    reserved.push({ family: span.family, value });
  }
  const subnets = [...memory.subnets];
  for (const set of sets) for (const { subnet } of set) if (!subnets.includes(subnet)) subnets.push(subnet);
  return { addresses, reserved, memory: { ...memory, subnets: subnets.slice(-subnetsMax), cursors } };

  function freeOf(index: number, set: readonly BoundRange[]) {
    const { network } = entry.attachment;
    const last = cursors[index];
    const free = nextFree(spansOf(set, gateways), last === undefined ? undefined : parseAddress(last), (from, to) =>
      store.reservedCount(network, from, to),
    );
    if (free === undefined) throw poolFull(store, entry, set, gateways);
    cursors[index] = formatAddress({ family: free.span.family, value: free.value });
    return free;
  }

  function requestedOf(address: Address, set: readonly BoundRange[]) {
    const holder = store.holder(entry.attachment.network, address);
    if (holder !== undefined && !isSame(holder, entry)) throw taken(address, holder);
    return { span: spanAt(spansOf(set, gateways), address)!, value: address.value };
  }
}

/** True if a new grant could give the addresses of this entry. */
export function fits(existing: Entry, { sets, requested }: Omit<Wish, "memory">): boolean {
  const gateways = gatewaysOf(sets);
  const have = existing.addresses.map(({ address }) => address);
  const wanted = requested.map((text) => requestedAddress(text, sets, gateways));
  const ofSet = sets.map((set, index) => {
    const address = parseAddress(withoutPrefix(have[index] ?? ""));
    const span = address && spanAt(spansOf(set, gateways), address);
    return span && address && leased(span.range, address.value).address;
  });
  return (
    have.length === sets.length &&
    have.every((address, index) => address === ofSet[index]) &&
    wanted.every((address) => have.some((cidr) => withoutPrefix(cidr) === formatAddress(address)))
  );
}

export function gatewaysOf(sets: readonly (readonly BoundRange[])[]): Address[] {
  const gateways: Address[] = [];
  for (const set of sets) for (const { gateway } of set) gateways.push(gateway);
  return gateways;
}

function requestedAddress(
  text: string,
  sets: readonly (readonly BoundRange[])[],
  gateways: readonly Address[],
): Address {
  const address = parseAddress(withoutPrefix(text));
  if (address === undefined) throw badConfig("requested address", text, "an IP address");
  if (gateways.some(({ family, value }) => family === address.family && value === address.value)) {
    throw badConfig("requested address", text, "another one: this is the gateway");
  }
  if (sets.every((set) => spanAt(spansOf(set, gateways), address) === undefined)) {
    throw badConfig("requested address", text, `in a range of the network (${sets.map(setText).join(", ")})`);
  }
  return address;
}

function isSame(holder: Entry, { attachment }: NewEntry): boolean {
  return holder.attachment.container === attachment.container && holder.attachment.ifname === attachment.ifname;
}

function taken(address: Address, holder: Entry): Fault {
  return new Fault(
    code.tryAgain,
    `Requested address ${formatAddress(address)} is held by ${attachmentText(holder.attachment)} ` +
      `since ${new Date(holder.createdMs).toISOString()}`,
    "Delete that attachment, or ask for another address",
  );
}
