/**
 * Finds attachments that the reference's plugins created, before ns-net took the node over: by their entry in the store
 * (ipam/hostLocal/adopt.ts), else by host-local's reservation, by `prevResult`, or in the kernel (fromKernel.ts).
 */

import { isObject, type JsonObject } from "../../conf/decode.ts";
import { absolutePath } from "../../conf/nameRules.ts";
import type { CollectRequest, Identity, Request } from "../../conf/request.ts";
import { parseAddress, withoutPrefix } from "../../ip/address.ts";
import { type AdoptedStep, adoptedStep, isLeaseOnly } from "../../ipam/hostLocal/adopted.ts";
import { reservationFolder } from "../../ipam/hostLocal/folder.ts";
import { type Reservation, reservationsIn } from "../../ipam/hostLocal/reservations.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { isHostLinkName } from "../../kernel/linkNames.ts";
import type { Removal } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";
import type { Asked } from "./asked.ts";
import { attachmentFromKernel } from "./fromKernel.ts";

type AdoptedRemoval = Extract<Removal, { kind: "adopted" }>;

/** The search of a CHECK. */
export function askedBy({ attachment, netns, config, pluginPath, raw }: Request): Asked {
  const { name: network, cniVersion, dataDir, bridge, ipam } = config;
  return { attachment, netns, network, cniVersion, dataDir, bridge, ipamType: ipam.type, pluginPath, raw };
}

/** Finds what the reference created for this attachment. With `kernel`, also looks for its kernel objects. */
export function adoptedOf(
  request: Asked,
  entry: Entry | undefined,
  store: Store | undefined,
  kernel?: Kernel,
): AdoptedRemoval | undefined {
  const { attachment, netns } = request;
  const { container, ifname } = attachment;
  // Old versions of host-local did not write the interface.
  const known = entry ?? store?.find({ ...attachment, ifname: "" });
  const step = adoptedStep(known) ?? leasedOnly(known);
  if (entry !== undefined && step === undefined) return undefined;
  const reported = prevResultOf(request);
  const found = step ? [] : reservationsIn(folderOf(request, store)).filter((one) => isOf(one, container, ifname));
  const isKnown = step !== undefined || found.length > 0 || reported.hostLink !== undefined;
  const inKernel = isKnown || !kernel ? undefined : attachmentFromKernel(request, kernel);
  if (!isKnown && !inKernel) return undefined;
  const leased = step?.addresses ?? found.map(({ file }) => nameOf(file));
  const addresses = [leased, inKernel?.addresses ?? [], reported.addresses].find((some) => some.length > 0) ?? [];
  return {
    kind: "adopted",
    attachment,
    // An address that the store gave to another container meanwhile stays with that one.
    addresses: addresses.filter((text) => isFreeFor(container, text, request.network, store)),
    files: step?.files ?? found.map(({ file }) => file),
    // A device that host-device lent to the container must not be deleted.
    ...(netns !== "" && request.type !== "host-device" && (inKernel?.isInterface ?? true) && { netns }),
    ...(reported.hostLink && { hostLink: reported.hostLink }),
  };
}

/** For an entry whose lease alone is ours: ns-net was called as host-local by another plugin, which created the link. */
function leasedOnly(entry: Entry | undefined): Pick<AdoptedStep, "addresses" | "files"> | undefined {
  if (entry === undefined || !isLeaseOnly(entry)) return undefined;
  return { addresses: entry.addresses.map(({ address }) => withoutPrefix(address)), files: [] };
}

function isOf(one: Reservation, container: string, ifname: string): boolean {
  return one.container === container && (one.ifname === ifname || one.ifname === "");
}

const nameOf = (file: string) => file.slice(file.lastIndexOf("/") + 1);

function isFreeFor(container: string, text: string, network: string, store: Store | undefined): boolean {
  const address = parseAddress(text);
  const holder = address && store?.holder(network, address);
  return address !== undefined && (holder === undefined || holder.attachment.container === container);
}

/** host-local's folder of reservations. The configuration of a chained plugin has no `ipam`; the store may know the folder. */
export function folderOf(request: Identity, store: Store | undefined): string {
  const { ipam } = given(request);
  const dataDir = isObject(ipam) ? ipam["dataDir"] : undefined;
  if (typeof dataDir === "string" && absolutePath.allows(dataDir)) return reservationFolder(request.network, dataDir);
  return store?.memory(request.network)?.adoptedFrom || reservationFolder(request.network);
}

/** The addresses in `prevResult` that no other container has by now. */
export function freeAddresses(request: Identity & Pick<Asked, "attachment">, store: Store | undefined): string[] {
  const { container } = request.attachment;
  return prevResultOf(request).addresses.filter((text) => isFreeFor(container, text, request.network, store));
}

export function given({ raw }: Identity): JsonObject {
  try {
    return JSON.parse(raw.stdin) as JsonObject;
  } catch {
    return {};
  }
}

interface Reported {
  /** The host's end, if it is a veth with a name that ns-net does not give. */
  readonly hostLink?: { readonly name: string; readonly mac: string };
  readonly addresses: readonly string[];
}

/** Reads `prevResult`, of which nothing is required. */
function prevResultOf(request: Identity): Reported {
  const { prevResult } = given(request);
  if (!isObject(prevResult)) return { addresses: [] };
  const links = objects(prevResult["interfaces"]);
  const host = links.find(({ name, sandbox }) => !sandbox && typeof name === "string" && name.startsWith("veth"));
  const addresses = objects(prevResult["ips"]).map(({ address }) => withoutPrefix(String(address)));
  if (host === undefined || isHostLinkName(String(host["name"]))) return { addresses };
  return { addresses, hostLink: { name: String(host["name"]), mac: String(host["mac"] ?? "").toLowerCase() } };
}

/** For GC: reservations of attachments that are neither valid nor in the store. */
export function unknownReservations(
  request: CollectRequest,
  entries: readonly Entry[],
  store?: Store,
): AdoptedRemoval[] {
  const key = (one: { readonly container: string; readonly ifname: string }) => `${one.container} ${one.ifname}`;
  const known = new Set([...request.valid, ...entries.map(({ attachment }) => attachment)].map(key));
  const valid = new Set(request.valid.map(({ container }) => container));
  const found = new Map<string, AdoptedRemoval & { addresses: string[]; files: string[] }>();
  for (const one of reservationsIn(folderOf(request, store))) {
    if (known.has(key(one)) || (one.ifname === "" && valid.has(one.container))) continue;
    const attachment = { network: request.network, container: one.container, ifname: one.ifname };
    const removal = found.get(key(one)) ?? { kind: "adopted", attachment, addresses: [], files: [] };
    removal.addresses.push(nameOf(one.file));
    removal.files.push(one.file);
    found.set(key(one), removal);
  }
  return [...found.values()];
}

function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
