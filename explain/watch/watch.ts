/** Listens to the kernel, for this network namespace and for those that its veths lead to, for as long as the process lives. */

import { formatCidr } from "../../ip/address.ts";
import { addressFromBytes } from "../../ip/bytes.ts";
import { WireError } from "../../netlink/codec.ts";
import { type Frame, frames } from "../../netlink/message.ts";
import { nftEventGroup } from "../../netlink/nft/events.ts";
import { listAddresses } from "../../netlink/route/address.ts";
import { routeEventGroups } from "../../netlink/route/changes.ts";
import { linkHeader, linkPayload, listLinks } from "../../netlink/route/link.ts";
import { openSocketIn, protocol } from "../../netlink/socket.ts";
import { errno, isKernelError } from "../../sys/errors.ts";
import { netlinkSocket } from "../../sys/libc.ts";
import { listenToOthers, receiveEvent } from "../../sys/netlinkEvents.ts";
import { Poll } from "../../sys/poll.ts";
import { joinNetlinkGroup, setReceiveBuffer } from "../../sys/sysRare.ts";
import { Addresses } from "./addresses.ts";
import type { Change, Said } from "./event.ts";
import { Links } from "./links.ts";
import { Places } from "./places.ts";
import { Transactions } from "./rules.ts";

/** RTM_* */
const type = { newLink: 16, deleteLink: 17, newAddress: 20, deleteAddress: 21, newRoute: 24, deleteRoute: 25 } as const;
/** RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE */
const routeGroups = [7, 11] as const;
const { link, ipv4Address, ipv6Address } = routeEventGroups;
/** AF_BRIDGE: a bridge's view of a port. */
const bridgeFamily = 7;

const datagramBytes = 64 * 1024;
/** The kernel counts 4 KiB and more an event, and a flush of a large ruleset is thousands. Only memory that is used counts. */
const bufferBytesDefault = 16 * 1024 * 1024;

interface Watching {
  /** False: the reader has gone, and the watch ends. */
  readonly onChange: (change: Change) => boolean;
  /** Says once that events are received from now on, and whether those of other namespaces are among them. */
  readonly onReady: (seesOthers: boolean) => void;
  readonly bufferBytes?: number;
}

/** Blocks the thread. Returns if `onChange` answers false. */
export function watchKernel({ onChange, onReady, bufferBytes = bufferBytesDefault }: Watching): void {
  const sockets = [protocol.route, protocol.netfilter].map((number) => netlinkSocket(number));
  const [route, netfilter] = sockets as [number, number];
  for (const socket of sockets) setReceiveBuffer(socket, bufferBytes);
  const seesOthers = sockets.map(listenToOthers).every(Boolean);
  joinNetlinkGroup(route, link, ipv4Address, ipv6Address, ...routeGroups);
  joinNetlinkGroup(netfilter, nftEventGroup);
  const state = new State();
  // Listening began before the look, so nothing between the two is missed.
  state.look();
  onReady(seesOthers);
  const poll = new Poll(sockets);
  const buffer = new Uint8Array(datagramBytes);
  for (;;) {
    for (const at of poll.wait(-1)) {
      const read = sockets[at] === route ? state.routeEvent : state.ruleEvent;
      const changes = drained(sockets[at]!, buffer, read, state);
      if (!changes.every(onChange)) return;
    }
  }
}

type Reader = (netnsId: number | undefined, frame: Frame) => readonly Change[];

function drained(socket: number, buffer: Uint8Array, read: Reader, state: State): Change[] {
  const changes: Change[] = [];
  for (;;) {
    try {
      const received = receiveEvent(socket, buffer);
      if (received === undefined) return changes;
      // A copy: what was read refers to it.
      const datagram = buffer.slice(0, received.length);
      for (const frame of frames(datagram)) changes.push(...read(received.netnsId, frame));
    } catch (error) {
      if (error instanceof WireError) continue; // an event of a newer kernel
      if (!isKernelError(error, errno.ENOBUFS)) throw error;
      changes.push(state.lost());
    }
  }
}

/** The links and addresses that were seen last, and the names of namespaces. */
class State {
  readonly #links = new Links();
  readonly #addresses = new Addresses(this.#links);
  readonly #transactions = new Transactions();
  #isFirst = true;
  readonly #places = new Places((netnsId, netns) => {
    using socket = openSocketIn(netns, protocol.route);
    for (const one of listLinks(socket)) {
      this.#links.name(netnsId, one);
      if (this.#isFirst) this.#links.know(netnsId, one);
    }
    if (!this.#isFirst) return;
    for (const { index, local, address, prefixLength } of listAddresses(socket)) {
      const bytes = local ?? address;
      if (bytes) this.#addresses.know(netnsId, index, formatCidr({ ...addressFromBytes(bytes), prefixLength }));
    }
  });

  /** Reads what there is now, and says nothing about it. */
  look(): void {
    this.#links.forgetAll();
    this.#addresses.forgetAll();
    this.#transactions.forgetAll();
    this.#isFirst = true;
    this.#places.look();
    this.#isFirst = false;
  }

  lost(): Change {
    this.look();
    const says = "the kernel could not deliver all events: some are missing before this line";
    return { atMs: Date.now(), about: "lost", where: this.#places.nameOf(undefined), what: "lost", says };
  }

  readonly routeEvent: Reader = (netnsId, { type: number, payload }) =>
    this.#placed(netnsId, () => this.#route(netnsId, number, payload));
  readonly ruleEvent: Reader = (netnsId, frame) => this.#placed(netnsId, () => this.#transactions.seen(netnsId, frame));

  /** A namespace that is new is looked at first: its links have names. */
  #placed(netnsId: number | undefined, read: () => readonly Said[]): Change[] {
    const where = this.#places.nameOf(netnsId);
    return read().map((one) => ({ atMs: Date.now(), where, ...one }));
  }

  #route(netnsId: number | undefined, number: number, payload: Uint8Array): readonly Said[] {
    switch (number) {
      case type.newLink:
      case type.deleteLink: {
        if (linkHeader.get(payload).family === bridgeFamily) return [];
        const one = linkPayload.get(payload);
        return number === type.newLink ? this.#links.seen(netnsId, one) : this.#links.removed(netnsId, one);
      }
      case type.newAddress:
      case type.deleteAddress:
        return this.#addresses.changed(netnsId, payload, number === type.deleteAddress);
      case type.newRoute:
      case type.deleteRoute:
        return this.#addresses.route(netnsId, payload, number === type.deleteRoute);
      default:
        return [];
    }
  }
}
