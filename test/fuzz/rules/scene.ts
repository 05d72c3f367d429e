/**
 * Three namespaces in a row, with the random rules in the middle one:
 *
 *   a ──── ra r rb ──── b
 *
 * `r` routes 10.1.0.0/24 and fd01::/64 to a, 10.2.0.0/24 and fd02::/64 to b. a and b have no address and answer nothing:
 * only what the test sends comes by `ra`.
 */

import type { Choices } from "../../../explain/rules/choices.ts";
import { explore } from "../../../explain/rules/choices.ts";
import type { Connection } from "../../../explain/rules/connection.ts";
import { passHook } from "../../../explain/rules/hooks.ts";
import { hook, netdevHook } from "../../../explain/rules/order.ts";
import { addressOf, type Device, type Packet, versionOf } from "../../../explain/rules/packet.ts";
import type { Surroundings, TrailEntry } from "../../../explain/rules/passage.ts";
import { familyText } from "../../../explain/rules/words.ts";
import { formatAddress, parseAddress } from "../../../ip/address.ts";
import { addressBytes, addressFromBytes } from "../../../ip/bytes.ts";
import type { Ruleset } from "../../../netlink/nft/read/ruleset.ts";
import { familyNetdev } from "../../../netlink/nft/read/tables.ts";
import { cable, freshNetns, type Netns } from "../../support/sandbox.ts";

export const macs = { from: "02:00:00:00:00:0a", to: "02:00:00:00:00:01" } as const;

export interface Scene extends Disposable {
  readonly a: Netns;
  readonly r: Netns;
  /** The index of the link in a. */
  readonly indexAtA: number;
  readonly devices: Readonly<Record<"ra" | "rb", Device>>;
}

export function openScene(): Scene {
  const [a, r, b] = [freshNetns("a"), freshNetns("r"), freshNetns("b")];
  cable({ ns: a, ifname: "ea" }, { ns: r, ifname: "ra", cidrs: ["10.1.0.1/24", "fd01::1/64"] });
  cable({ ns: r, ifname: "rb", cidrs: ["10.2.0.1/24", "fd02::1/64"] }, { ns: b, ifname: "eb" });
  a.run("ip", "link", "set", "ea", "address", macs.from);
  r.run("ip", "link", "set", "ra", "address", macs.to, "group", "7");
  for (const [link, networks] of [
    ["ra", ["10.1.0", "fd01:"]],
    ["rb", ["10.2.0", "fd02:"]],
  ] as const) {
    for (const [network, host] of networks.flatMap((one) =>
      ["2", "9", "77", "78"].map((last) => [one, last] as const),
    )) {
      const address = network.includes(":") ? `${network}:${host}` : `${network}.${host}`;
      r.run("ip", "neigh", "replace", address, "lladdr", "02:00:00:00:00:99", "dev", link, "nud", "permanent");
    }
  }
  const settings = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.conf.all.rp_filter=0"];
  r.run("sysctl", "-qw", ...settings, "net.ipv4.conf.ra.rp_filter=0", "net.ipv4.conf.rb.rp_filter=0");
  const links = new Map(r.ip("link").map((link) => [link.ifname, link]));
  const device = (name: string): Device => ({
    ...{ name, kind: "veth", type: 1 },
    index: links.get(name).ifindex,
    group: name === "ra" ? 7 : 0,
  });
  return {
    a,
    r,
    indexAtA: a.ip("link", "show", "ea")[0].ifindex,
    devices: { ra: device("ra"), rb: device("rb") },
    [Symbol.dispose]() {
      for (const ns of [a, r, b]) ns[Symbol.dispose]();
    },
  };
}

const own = { ra: ["10.1.0.1", "fd01::1"], rb: ["10.2.0.1", "fd02::1"] } as const;
const textOf = (address: Uint8Array) => formatAddress(addressFromBytes(address));
const isOwn = (address: string) => [...own.ra, ...own.rb].some((one) => one === address);
const linkOf = (address: string) =>
  /^(?:10\.1\.|fd01:)/.test(address) ? "ra" : /^(?:10\.2\.|fd02:)/.test(address) ? "rb" : undefined;

/** RTN_UNICAST, RTN_LOCAL, RTN_UNREACHABLE: the kernel calls an IPv4 address without a route unicast. */
const addressType = (address: string) =>
  isOwn(address) ? 2 : linkOf(address) === undefined && address.includes(":") ? 7 : 1;

function surroundingsOf({ devices }: Scene): Surroundings {
  return {
    addressType: (address) => addressType(textOf(address)),
    linkTo({ address, input }) {
      const name = isOwn(textOf(address)) ? undefined : linkOf(textOf(address));
      const found = name === undefined ? null : devices[name];
      return input !== undefined && found?.name !== input.name ? null : found;
    },
    ownAddress: (link, destination) =>
      addressBytes(parseAddress(own[link.name as "ra" | "rb"][destination.length === 4 ? 0 : 1])!),
  };
}

export interface Answer {
  readonly steps: readonly string[];
  readonly isDropped: boolean;
  /** As it was when the last rule saw it. */
  readonly packet: Packet;
  readonly added: ReadonlySet<string>;
}

/** Every way that the packet may go, by the evaluator. `added`: elements that earlier packets added to sets. */
export function answersFor(
  ruleset: Ruleset,
  packet: Packet,
  isLocal: boolean,
  scene: Scene,
  added: ReadonlySet<string>,
): Answer[] {
  const { outcomes } = explore((choices) => follow(ruleset, packet, isLocal, scene, choices, new Set(added)));
  return outcomes.map(({ result }) => result);
}

function follow(
  ruleset: Ruleset,
  first: Packet,
  isLocal: boolean,
  scene: Scene,
  choices: Choices,
  added: Set<string>,
): Answer {
  const family = versionOf(first) === 4 ? 2 : 10;
  const surroundings = surroundingsOf(scene);
  const steps: string[] = [];
  let packet = first;
  let connection: Connection | undefined;
  let isUntracked = false;
  const pass = (
    number: number,
    hookFamily: number,
    links: { input?: Device | undefined; output?: Device | undefined },
  ) => {
    const at = {
      family: hookFamily,
      hook: number,
      ...links,
      isLocal,
      packet,
      connection,
      isUntracked,
      surroundings,
      choices,
      added,
    };
    const passed = passHook(ruleset, at);
    ({ packet, connection, isUntracked } = passed);
    steps.push(...passed.trail.map(stepText));
    return passed.dropped === undefined;
  };
  const out = () => {
    const name = linkOf(textOf(addressOf(packet, "destination")));
    return name && scene.devices[name];
  };
  const end = (isDropped: boolean): Answer => ({ steps, isDropped, packet, added });
  const { ra } = scene.devices;
  if (isLocal) {
    if (!pass(hook.output, family, { output: out() })) return end(true);
    return end(!pass(hook.postrouting, family, { output: out() }));
  }
  if (!pass(netdevHook.ingress, familyNetdev, { input: ra })) return end(true);
  if (!pass(hook.prerouting, family, { input: ra })) return end(true);
  if (isOwn(textOf(addressOf(packet, "destination")))) return end(!pass(hook.input, family, { input: ra }));
  const output = out();
  if (output === undefined) return end(false);
  packet = withLowerTtl(packet);
  if (!pass(hook.forward, family, { input: ra, output })) return end(true);
  return end(!pass(hook.postrouting, family, { input: ra, output }));
}

function withLowerTtl(packet: Packet): Packet {
  const network = packet.network.slice();
  network[versionOf(packet) === 4 ? 8 : 7]! -= 1;
  return { ...packet, network };
}

/** In the form of `Traced`. */
function stepText({ family, table, chain, kind, verdict, comment }: TrailEntry): string {
  const what = kind === "rule" ? `${comment}` : kind;
  return `${familyText(family)} ${table} ${chain} ${what} ${verdict}`;
}
