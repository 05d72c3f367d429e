/** Shows the packet to the rules at a hook, and turns a drop into a cause with its cure. */

import { formatAddress } from "../../../ip/address.ts";
import { addressFromBytes } from "../../../ip/bytes.ts";
import { nftTable } from "../../../kernel/ownership.ts";
import { familyNetdev } from "../../../netlink/nft/read/tables.ts";
import { openingWithin } from "../../../plugin/diagnose/forwardPolicy.ts";
import { type AtHook, passHook } from "../../rules/hooks.ts";
import { hook } from "../../rules/order.ts";
import { addressOf, type Device, endOf, type Packet, versionOf } from "../../rules/packet.ts";
import type { Place } from "../../rules/passage.ts";
import { familyText, placeText } from "../../rules/words.ts";
import { Blocked, type CauseCode } from "../cause.ts";
import { isFarAway } from "../packets.ts";
import type { Site, SiteLink } from "../site/site.ts";
import { deviceOf, surroundingsOf } from "../site/surroundings.ts";
import type { Walk } from "../walk.ts";
import { textOf } from "./routing.ts";

export interface Seen {
  readonly packet: Packet;
  readonly isTranslated: boolean;
}

export interface Filtered {
  readonly hookName: string;
  readonly hook: number;
  /** NFPROTO_*; absent: by the packet's version of IP. */
  readonly family?: number;
  readonly input?: SiteLink | undefined;
  readonly output?: SiteLink | undefined;
  readonly isLocal?: boolean;
  /** The ports of the bridge that hands its frames to the rules of IP (br_netfilter). */
  /** The frame is bridged, not routed. */
  readonly isBridged?: boolean;
  readonly ports?: { readonly input: SiteLink | undefined; readonly output: SiteLink | undefined };
}

const ipFamilies = { 4: 2, 6: 10 } as const;
const arpFamily = 3;

/** Throws Blocked if a rule or a policy drops the packet. */
export function filter(walk: Walk, site: Site, packet: Packet, at: Filtered): Seen {
  const version = versionOf(packet);
  const family = at.family ?? (version === undefined ? arpFamily : ipFamilies[version]);
  const device = (link: SiteLink | undefined): Device | undefined => link && deviceOf(link);
  if (version !== undefined && family === ipFamilies[version]) meetLegacyTables(walk, site, version, at);
  const question: AtHook = {
    ...{ family, hook: at.hook, packet, isLocal: at.isLocal ?? false },
    ...{ input: device(at.input), output: device(at.output) },
    ports: at.ports && { input: device(at.ports.input), output: device(at.ports.output) },
    connection: walk.isResolving ? undefined : walk.connections.get(site),
    isUntracked: walk.untracked.has(site),
    ...{ surroundings: surroundingsOf(site), choices: walk.choices, added: walk.added },
  };
  const passed = passHook(site.ruleset, question);
  if (!walk.isResolving && family !== familyNetdev) {
    if (passed.connection) walk.connections.set(site, passed.connection);
    if (passed.isUntracked) walk.untracked.add(site);
  }
  if (passed.dropped) throw dropped(walk, site, packet, passed.dropped.by, at);
  const isTranslated = !walk.isResolving && version !== undefined && isOther(packet, passed.packet);
  if (isTranslated) {
    const rule = passed.translatedBy ? ` (${placeText(passed.translatedBy)})` : "";
    walk.note(site.where, "translation", `${changeText(packet, passed.packet)}${rule}`, "rewrite");
  } else if (passed.trail.length > 0) {
    const chains = new Set(passed.trail.map(({ table, chain, family: own }) => `${familyText(own)} ${table} ${chain}`));
    walk.note(site.where, "rules", `${at.hookName}: ${[...chains].join(", ")}`);
  }
  return { packet: passed.packet, isTranslated };
}

/** Rules of iptables-legacy may drop the packet, or not. */
function meetLegacyTables(walk: Walk, site: Site, version: 4 | 6, { hookName }: Filtered): void {
  const tables = site.legacyTables(version);
  if (tables.length === 0) return;
  const what = `iptables-legacy (${tables.join(", ")}) at ${hookName} in ${site.where}`;
  if (walk.choices.choose(2, what) === 0) return;
  throw new Blocked({ code: "dropped-by-rule", where: site.where, what, cure: "" });
}

const sides = ["source", "destination"] as const;

function isOther(before: Packet, after: Packet): boolean {
  return sides.some((side) => endText(before, side) !== endText(after, side));
}

export function endText(packet: Packet, side: "source" | "destination"): string {
  const { address, port } = endOf(packet, side);
  const text = formatAddress(addressFromBytes(address));
  return port === 0 ? text : text.includes(":") ? `[${text}]:${port}` : `${text}:${port}`;
}

function changeText(before: Packet, after: Packet): string {
  return sides
    .filter((side) => endText(before, side) !== endText(after, side))
    .map((side) => `${side} ${endText(before, side)} becomes ${endText(after, side)}`)
    .join(", ");
}

function dropped(walk: Walk, site: Site, packet: Packet, by: Place, at: Filtered): Blocked {
  const isPolicy = by.handle === undefined;
  const where = site.where;
  const thing = `${placeText(by)}: ${isPolicy ? "the policy of the chain drops" : "the rule drops"} ${packetText(packet, walk)}`;
  const what = at.isBridged ? `br_netfilter hands bridged packets to ${thing}` : thing;
  walk.note(where, "rules", what, "drop");
  return new Blocked({
    code: codeOf(walk, site, by, at, isPolicy),
    where,
    what,
    cure: cureOf(walk, site, packet, by, at),
  });
}

function codeOf(walk: Walk, site: Site, by: Place, at: Filtered, isPolicy: boolean): CauseCode {
  if (at.isBridged) return "bridge-netfilter";
  if (isSpoofCheck(by)) return "spoof-check";
  if (site === walk.receiver && !site.isHost && site !== walk.sender) return "dropped-inside";
  return isPolicy && !walk.isResolving ? "dropped-by-policy" : "dropped-by-rule";
}

/** As step/nft/macSpoofCheck.ts names it. */
const spoofChain = "spoofed";
const isSpoofCheck = ({ table, chain }: Place) => table === nftTable && chain === spoofChain;

/** The hardware address that ns-net gave to the side that sends. */
function macCure(walk: Walk): string {
  const end = walk.isBack ? walk.receiver : walk.sender;
  const attached = end && walk.world.attachedTo(end).find(({ mac }) => mac !== undefined);
  return end && attached ? `${end.prefix}ip link set ${attached.ifname} address ${attached.mac}` : "";
}

function packetText(packet: Packet, walk: Walk): string {
  if (versionOf(packet) === undefined) return "ARP, so no neighbour is found";
  if (walk.isResolving) return "neighbour discovery, so no neighbour is found";
  const way = walk.isBack ? "the answer" : "the packet";
  return `${way} from ${endText(packet, "source")} to ${endText(packet, "destination")}`;
}

function cureOf(walk: Walk, site: Site, packet: Packet, by: Place, at: Filtered): string {
  if (isSpoofCheck(by)) return macCure(walk);
  // Turning br_netfilter off would take it from all bridges, and kube-proxy needs it.
  if (at.isBridged && at.hook === hook.forward && at.input)
    return `${site.prefix}${openingWithin({ family: by.family, name: by.table }, by.chain, at.input.name)}`;
  if (at.isBridged)
    return `${site.prefix}sysctl -w net.bridge.bridge-nf-call-ip${versionOf(packet) === 6 ? "6" : ""}tables=0`;
  const chain = `${familyText(by.family)} ${by.table} ${by.chain}`;
  if (by.handle !== undefined) return `${site.prefix}nft delete rule ${chain} handle ${by.handle}`;
  const version = versionOf(packet);
  if (version === undefined) return `${site.prefix}nft add rule ${chain} ether type arp accept`;
  const ip = version === 4 ? "ip" : "ip6";
  const isOutside = walk.question.from.is === "outside" || walk.question.to.is === "outside";
  const [source, destination] = sides.map((side) => addressOf(packet, side));
  // The outside has any address: the walk took one as an example.
  const match = (end: "saddr" | "daddr", address: Uint8Array) =>
    isOutside && isFarAway(address) ? "" : `${ip} ${end} ${textOf(address)} `;
  const rule = (from: Uint8Array, to: Uint8Array) =>
    `add rule ${chain} ${match("saddr", from)}${match("daddr", to)}accept`;
  const neighbours =
    version === 6 ? ` ; add rule ${chain} icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept` : "";
  const both = `${rule(source!, destination!)} ; ${rule(destination!, source!)}`;
  return `${site.prefix}nft '${both}${neighbours}'`;
}
