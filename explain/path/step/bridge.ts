/**
 * A bridge: ports, forwarding table, isolation, the hooks of the family bridge, and br_netfilter, which shows bridged
 * packets to the rules of IP. net/bridge/br_input.c, br_forward.c, br_netfilter_hooks.c.
 */
import { bridgeRead } from "../../../netlink/route/kind/bridgeRead.ts";
import { neighbourState } from "../../../netlink/route/neighbour.ts";
import { hook } from "../../rules/order.ts";
import { addressOf, type Packet, sameBytes, versionOf } from "../../rules/packet.ts";
import { Blocked, type CauseCode, Undecided } from "../cause.ts";
import { hasCarrier, isRunning, isUp, type Site, type SiteLink } from "../site/site.ts";
import type { Moment, Walk } from "../walk.ts";
import { down } from "./down.ts";
import { filter } from "./filters.ts";
import { destinationOf, isGroup, withFrame } from "./frames.ts";
import { findNeighbour } from "./neighbour.ts";
import { wayOf } from "./routing.ts";
import { portTowards } from "./segment.ts";

const family = 7;
/** BR_STATE_DISABLED, BR_STATE_FORWARDING. */
const [disabled, forwarding] = [0, 3];
const stateNames = ["disabled", "listening", "learning", "forwarding", "blocking"];
/** NTF_STICKY. Other static entries move to the port by which their holder's next frame comes. */
const sticky = 0x40;

function blocked(walk: Walk, site: Site, code: CauseCode, what: string, cure: string): Blocked {
  walk.note(site.where, "bridge", what, "drop");
  return new Blocked({ code, where: site.where, what, cure: `${site.prefix}${cure}` });
}

/** A frame comes in by a port. */
export function enterBridge(walk: Walk, site: Site, port: SiteLink, bridge: SiteLink, first: Packet): Moment {
  if (!isUp(bridge))
    throw blocked(walk, site, "bridge-down", `the bridge ${bridge.name} is down`, `ip link set ${bridge.name} up`);
  refuseVlans(site, bridge);
  refuseClosed(walk, site, port);
  let { packet } = filter(walk, site, first, {
    hookName: "bridge prerouting",
    hook: hook.prerouting,
    family,
    input: port,
  });
  const isNetfiltered = callsRules(site, bridge, packet);
  let isForBridge = isOf(walk, site, bridge, packet);
  if (isNetfiltered) {
    const at = { hookName: "prerouting", hook: hook.prerouting, input: bridge, isBridged: !isForBridge };
    const before = addressOf(packet, "destination");
    ({ packet } = filter(walk, site, packet, { ...at, ports: { input: port, output: undefined } }));
    const after = addressOf(packet, "destination");
    if (!sameBytes(before, after)) {
      const framed = translated(walk, site, bridge, packet);
      isForBridge = framed === undefined;
      packet = framed ?? packet;
    }
  }
  if (isForBridge) {
    filter(walk, site, packet, { hookName: "bridge input", hook: hook.input, family, input: port });
    return { at: "receive", site, link: bridge, packet, wasFiltered: isNetfiltered };
  }
  return forward(walk, site, bridge, port, packet, isNetfiltered);
}

/** After a translation by br_netfilter: bridged if the new destination is behind the same bridge, else routed. */
function translated(walk: Walk, site: Site, bridge: SiteLink, packet: Packet): Packet | undefined {
  const destination = addressOf(packet, "destination");
  if (site.holds(destination)) return undefined;
  const way = wayOf(walk, site, packet);
  if (way.link.index !== bridge.index) return undefined;
  const { holder, mac } = findNeighbour(walk, site, bridge, way.nextHop, packet);
  if (holder === undefined || mac === undefined) return undefined;
  walk.target = holder;
  return withFrame(packet, bridge.address ?? "", mac);
}

function forward(
  walk: Walk,
  site: Site,
  bridge: SiteLink,
  port: SiteLink,
  first: Packet,
  isNetfiltered: boolean,
): Moment {
  const out = outPort(walk, site, bridge, first);
  if (out.index === port.index && port.port?.hairpin !== 1) {
    const what = `${port.name} does not send back what came in by it (hairpin is off)`;
    throw blocked(walk, site, "hairpin-off", what, `bridge link set dev ${port.name} hairpin on`);
  }
  if (port.port?.isolated === 1 && out.port?.isolated === 1 && out.index !== port.index) {
    const what = `${port.name} and ${out.name} are isolated: isolated ports do not talk to one another`;
    throw blocked(walk, site, "isolated", what, `bridge link set dev ${out.name} isolated off`);
  }
  refuseClosed(walk, site, out);
  let packet = first;
  const links = { input: port, output: out };
  ({ packet } = filter(walk, site, packet, { hookName: "bridge forward", hook: hook.forward, family, ...links }));
  const ofIp = { input: bridge, output: bridge, ports: links, isBridged: true };
  if (isNetfiltered) {
    ({ packet } = filter(walk, site, packet, { hookName: "forward", hook: hook.forward, ...ofIp }));
  }
  ({ packet } = filter(walk, site, packet, {
    hookName: "bridge postrouting",
    hook: hook.postrouting,
    family,
    ...links,
  }));
  if (isNetfiltered) {
    ({ packet } = filter(walk, site, packet, { hookName: "postrouting", hook: hook.postrouting, ...ofIp }));
  }
  if (!walk.isResolving) walk.note(site.where, "bridge", `${bridge.name}: ${port.name} to ${out.name}`);
  return { at: "transmit", site, link: out, packet, nextHop: undefined, isBridged: true };
}

/** The namespace itself sends a frame by its bridge. */
export function leaveBridge(walk: Walk, site: Site, bridge: SiteLink, first: Packet): Moment {
  refuseVlans(site, bridge);
  const out = outPort(walk, site, bridge, first);
  refuseClosed(walk, site, out);
  const at = { family, output: out };
  let { packet } = filter(walk, site, first, { hookName: "bridge output", hook: hook.output, ...at });
  ({ packet } = filter(walk, site, packet, { hookName: "bridge postrouting", hook: hook.postrouting, ...at }));
  if (!walk.isResolving) walk.note(site.where, "bridge", `${bridge.name} to ${out.name}`);
  return { at: "transmit", site, link: out, packet, nextHop: undefined, isBridged: true };
}

/** A static entry decides; else the frame goes where its receiver is, from whom the bridge learned. */
function outPort(walk: Walk, site: Site, bridge: SiteLink, packet: Packet): SiteLink {
  const to = destinationOf(packet);
  const towards = walk.target && portTowards(walk, site, bridge, walk.target);
  const entry = isGroup(to) ? undefined : site.forwarding(bridge.index, to);
  const fixedPort =
    entry && (entry.state & neighbourState.permanent || entry.flags & sticky) ? site.link(entry.index) : undefined;
  if (fixedPort && towards && fixedPort.index !== towards.index) {
    const what = `a static forwarding entry of ${bridge.name} sends ${to} to ${fixedPort.name}, but it is behind ${towards.name}`;
    throw blocked(walk, site, "wrong-port", what, `bridge fdb del ${to} dev ${fixedPort.name} master`);
  }
  if (towards === undefined) throw new Undecided(site.where, `no port of ${bridge.name} is known to lead to ${to}`);
  return towards;
}

function isOf(walk: Walk, site: Site, bridge: SiteLink, packet: Packet): boolean {
  const to = destinationOf(packet);
  if (isGroup(to)) return walk.target?.site === site && walk.target.link.index === bridge.index;
  return to === bridge.address;
}

function refuseClosed(walk: Walk, site: Site, port: SiteLink): void {
  const state = port.port?.state ?? forwarding;
  if (state === forwarding) return;
  if (state === disabled && !isRunning(port)) {
    // The kernel opens the port soon after it has a carrier.
    if (hasCarrier(port)) return;
    for (const end of [{ site, link: port }, walk.world.peerOf(site, port)])
      if (end && !isUp(end.link)) throw down(walk, end.site, end.link);
  }
  const what = `the bridge port ${port.name} is ${stateNames[state] ?? state}`;
  throw blocked(walk, site, "port-blocked", what, `bridge link set dev ${port.name} state ${forwarding}`);
}

const settingsOf = ({ info }: SiteLink) => bridgeRead.get(info?.data ?? new Uint8Array(0));

/** Frames of one VLAN do not come to ports of another. */
function refuseVlans(site: Site, bridge: SiteLink): void {
  if (settingsOf(bridge).vlanFiltering !== 1) return;
  throw new Undecided(site.where, `the VLANs of the bridge ${bridge.name} (vlan_filtering is 1) are not followed`);
}

/** bridge-nf-call-iptables and -ip6tables of the namespace, and nf_call_iptables of the bridge. */
function callsRules(site: Site, bridge: SiteLink, packet: Packet): boolean {
  const version = versionOf(packet);
  if (version === undefined) return false;
  const { callIptables, callIp6tables } = settingsOf(bridge);
  if ((version === 4 ? callIptables : callIp6tables) === 1) return true;
  return site.number(`net/bridge/bridge-nf-call-ip${version === 6 ? "6" : ""}tables`) === 1;
}
