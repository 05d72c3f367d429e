/**
 * Attachments that the reference's plugins made before ns-net came in their place: known by their entry in the store
 * (ipam/hostLocal/adopt.ts), or before there is one by host-local's reservation, or by what the result of ADD tells, or
 * by what the kernel shows (fromKernel.ts).
 */

import { isObject, type JsonObject } from "../../conf/decode.ts";
import { absolutePath } from "../../conf/nameRules.ts";
import type { CollectRequest, Identity, Request } from "../../conf/request.ts";
import { parseAddress } from "../../ip/address.ts";
import { type AdoptedStep, adoptedStep } from "../../ipam/hostLocal/adopted.ts";
import { reservationFolder } from "../../ipam/hostLocal/folder.ts";
import { type Reservation, reservationsIn } from "../../ipam/hostLocal/reservations.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { isHostLinkName } from "../../kernel/linkNames.ts";
import type { Removal } from "../../step/index.ts";
import type { Entry } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";
import type { Asked } from "./asked.ts";
import { attachmentFromKernel } from "./fromKernel.ts";

export type AdoptedRemoval = Extract<Removal, { kind: "adopted" }>;

/** What CHECK asks by. */
export function askedBy({ attachment, netns, config, pluginPath, raw }: Request): Asked {
  const { name: network, cniVersion, dataDir, bridge, ipam } = config;
  return { attachment, netns, network, cniVersion, dataDir, bridge, ipamType: ipam.type, pluginPath, raw };
}

/** What is to be undone of it; undefined when nothing speaks for its being another plugin's. With `kernel`, that is asked, too. */
export function adoptedOf(
  request: Asked,
  entry: Entry | undefined,
  store: Store | undefined,
  kernel?: Kernel,
): AdoptedRemoval | undefined {
  const { attachment, netns } = request;
  const { container, ifname } = attachment;
  // host-local of old did not say which interface.
  const known = entry ?? store?.find({ ...attachment, ifname: "" });
  const step = adoptedStep(known) ?? leasedOnly(known);
  if (entry !== undefined && step === undefined) return undefined;
  const told = prevResultOf(request);
  const found = step ? [] : reservationsIn(folderOf(request, store)).filter((one) => isOf(one, container, ifname));
  const isTold = step !== undefined || found.length > 0 || told.hostLink !== undefined;
  const seen = isTold || !kernel ? undefined : attachmentFromKernel(request, kernel);
  if (!isTold && !seen) return undefined;
  const leased = step?.addresses ?? found.map(({ file }) => nameOf(file));
  const addresses = [leased, seen?.addresses ?? [], told.addresses].find((some) => some.length > 0) ?? [];
  return {
    kind: "adopted",
    attachment,
    // One that the store gave to somebody else meanwhile is theirs.
    addresses: addresses.filter((text) => isFreeFor(container, text, request.network, store)),
    files: step?.files ?? found.map(({ file }) => file),
    // What host-device lent to the container is not to be deleted.
    ...(netns !== "" && request.type !== "host-device" && (seen?.isInterface ?? true) && { netns }),
    ...(told.hostLink && { hostLink: told.hostLink }),
  };
}

/** The lease is ours, and the link of it another plugin's: ns-net was its host-local. */
function leasedOnly(entry: Entry | undefined): Pick<AdoptedStep, "addresses" | "files"> | undefined {
  if (entry === undefined || entry.state !== "attached" || entry.steps !== undefined) return undefined;
  return { addresses: entry.addresses.map(({ address }) => address.replace(/\/.*/s, "")), files: [] };
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

/** A plugin that comes after another one is not told of its `ipam`; the store may know. */
export function folderOf(request: Identity, store: Store | undefined): string {
  const { ipam } = given(request);
  const dataDir = isObject(ipam) ? ipam["dataDir"] : undefined;
  if (typeof dataDir === "string" && absolutePath.allows(dataDir)) return reservationFolder(request.network, dataDir);
  return store?.memory(request.network)?.adoptedFrom || reservationFolder(request.network);
}

/** The addresses that the result of ADD tells, but for those that somebody else has by now. */
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

interface Told {
  /** The host's end, where it is a veth and has no name that ns-net gives. */
  readonly hostLink?: { readonly name: string; readonly mac: string };
  readonly addresses: readonly string[];
}

/** Of whatever is in `prevResult`; nothing of it is required. */
function prevResultOf(request: Identity): Told {
  const { prevResult } = given(request);
  if (!isObject(prevResult)) return { addresses: [] };
  const links = objects(prevResult["interfaces"]);
  const host = links.find(({ name, sandbox }) => !sandbox && typeof name === "string" && name.startsWith("veth"));
  const addresses = objects(prevResult["ips"]).map(({ address }) => String(address).replace(/\/.*/s, ""));
  if (host === undefined || isHostLinkName(String(host["name"]))) return { addresses };
  return { addresses, hostLink: { name: String(host["name"]), mac: String(host["mac"] ?? "").toLowerCase() } };
}

/** For GC: the reservations of attachments that are neither valid nor in the store, each to be undone. */
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
