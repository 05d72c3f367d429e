/** Every published port of the host, with the container that it leads to, and whether something listens there. */
import { withoutPrefix } from "../../ip/address.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { ownerMark } from "../../kernel/ownership.ts";
import type { Entry } from "../../store/entry.ts";
import type { Store } from "../../store/store.ts";
import { netnsFolder } from "../../sys/netns.ts";
import { type Container, nameOf } from "../containers/container.ts";
import { everyContainer } from "../containers/find.ts";
import { everyNamespace } from "../namespaces/everyNamespace.ts";
import { containersByInode } from "../namespaces/inside.ts";
import type { LinkWithPeer } from "../namespaces/peers.ts";
import { iptablesPorts } from "./iptablesRules.ts";
import { Listeners } from "./listeners.ts";
import { nftChains, nftPorts } from "./nftRules.ts";
import { type OwnPort, ourPorts, withoutTheirPorts } from "./ours.ts";
import { type PublishedPort, placeOf } from "./publishedPort.ts";
import { relayedPorts } from "./relays.ts";

export interface Port extends PublishedPort {
  /** A name that `inspect` takes where there is one, else the publisher's word; undefined if nothing is known. */
  readonly container: string | undefined;
  /** Undefined if it cannot be seen from here. */
  readonly listening: boolean | undefined;
}

export interface Published {
  /** In the order of the ports. A port that two programs publish is there twice: the rule that comes first gets the packets. */
  readonly ports: readonly Port[];
  /** Attachments whose ports are in the store, and not in the kernel. */
  readonly lost: readonly Entry[];
}

export function everyPort(store: Store | undefined, kernel: Kernel): Published {
  const chains = nftChains(kernel);
  const theirs = [...nftPorts(chains, kernel), ...iptablesPorts(chains, kernel)];
  const places = new Set(theirs.map((port) => `${port.by} ${placeOf(port)}`));
  // docker has a rule and a relay for most of its ports.
  theirs.push(...relayedPorts().filter((port) => !places.has(`${port.by} ${placeOf(port)}`)));
  const own = ourPorts(kernel);
  const known: Known = { listeners: new Listeners(), containers: once(() => everyContainer()) };
  const all = [...withAttachments(own, store, known), ...withNamespaces(theirs, known)];
  all.sort(
    (a, b) => a.hostPort - b.hostPort || compare(a.protocol, b.protocol) || compare(a.hostAddress, b.hostAddress),
  );
  return { ports: all, lost: store ? withoutTheirPorts(store, own, kernel) : [] };
}

/** Read when a port needs it. */
interface Known {
  readonly listeners: Listeners;
  readonly containers: () => readonly Container[];
}

function once<T>(read: () => T): () => T {
  let found: { readonly value: T } | undefined;
  return () => {
    found ??= { value: read() };
    return found.value;
  };
}

const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));

function withAttachments(ports: readonly OwnPort[], store: Store | undefined, known: Known): Port[] {
  if (ports.length === 0) return [];
  const entries = new Map((store?.entries() ?? []).map((entry) => [ownerMark(entry.attachment), entry]));
  return ports.map(({ mark, ...port }) => {
    const entry = entries.get(mark);
    const listening = entry && known.listeners.hasOne([entry.netnsPath], Number(entry.netnsInode), port);
    return { ...port, container: entry ? containerOf(entry, known) : port.owner || undefined, listening };
  });
}

/** The name of a namespace that a person chose; else the container's, because a runtime makes up the other one. */
function containerOf({ podNamespace, podName, netnsPath, attachment: { container } }: Entry, known: Known): string {
  if (podName !== undefined) return podNamespace ? `${podNamespace}/${podName}` : podName;
  if (netnsPath === `${netnsFolder}/${container}`) return container;
  const found = known.containers().find(({ id }) => id === container);
  return found ? nameOf(found) : container;
}

/** Their containers are known by their addresses. */
function withNamespaces(ports: readonly PublishedPort[], { listeners, containers: everyOne }: Known): Port[] {
  if (ports.length === 0) return [];
  const everywhere = everyNamespace();
  const own = everywhere.find(({ isOwn }) => isOwn)?.inode;
  const all = everywhere.filter(({ isOwn }) => !isOwn);
  // Two namespaces may have one address, where a machine has several hosts in namespaces: a veth must lead to ours.
  const isNear = ({ isVeth, peer }: LinkWithPeer) => !isVeth || peer?.inode === own;
  const byAddress = new Map(
    all.flatMap((one) =>
      one.links.filter(isNear).flatMap(({ addresses }) => addresses.map((cidr) => [withoutPrefix(cidr), one] as const)),
    ),
  );
  const containers = containersByInode(all, everyOne());
  return ports.map((port) => {
    const namespace = byAddress.get(port.containerAddress ?? "");
    const container = namespace && containers.get(namespace.inode);
    return {
      ...port,
      container: container ? nameOf(container) : port.owner || namespace?.names[0],
      listening: namespace && listeners.hasOne(namespace.paths, namespace.inode, port),
    };
  });
}
