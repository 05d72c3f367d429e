/**
 * All namespaces of a machine share one table of neighbours, with 1024 entries by default, each kept for half a minute
 * (net.ipv4.neigh.default.gc_thresh3, arp(7)). Where more pairs than that meet, entries are removed after use.
 */
import { type Address, type Cidr, contains } from "../../ip/address.ts";
import { addressBytes } from "../../ip/bytes.ts";
import { getLink } from "../../netlink/route/link.ts";
import { deleteNeighbour } from "../../netlink/route/neighbour.ts";
import { type NetlinkSocket, openSocketIn, protocol } from "../../netlink/socket.ts";
import { errno, tolerating } from "../../sys/errors.ts";
import type { Interface, Pod } from "../model/lab.ts";
import type { World } from "../world/world.ts";

export const neighboursMax = 1024;

/** Sockets in the namespaces of pods, for as long as pings go on. */
export class Neighbours implements Disposable {
  readonly #world: World;
  readonly #sockets = new Map<string, NetlinkSocket>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Removes what two pods on one network know of each other. Nothing if a router is between them. */
  forget(from: Pod, to: Pod, address: Address): void {
    const [near, far] = [interfaceBeside(from, address), interfaceBeside(to, address)];
    if (near === undefined || far === undefined) return;
    this.#delete(from, near, address);
    const own = near.addresses.find((one) => contains(one, address));
    if (own) this.#delete(to, far, own);
  }

  #delete(pod: Pod, { name }: Interface, address: Address): void {
    const socket = this.#socketOf(pod);
    const index = getLink(socket, name)?.index;
    if (index === undefined) return;
    tolerating(() => socket.request(deleteNeighbour(index, addressBytes(address))), errno.ENOENT);
  }

  #socketOf({ name }: Pod): NetlinkSocket {
    const socket = this.#sockets.get(name) ?? openSocketIn(this.#world.pods.get(name)!.netns, protocol.route);
    this.#sockets.set(name, socket);
    return socket;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets.values()) socket[Symbol.dispose]();
  }
}

function interfaceBeside(pod: Pod, address: Address): Interface | undefined {
  return pod.interfaces.find(({ addresses }) => addresses.some((one: Cidr) => contains(one, address)));
}
