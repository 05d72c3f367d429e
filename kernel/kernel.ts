/** Everything the steps do to the kernel goes through here: one place to look, to trace and to fail in tests. */
import type { Cidr } from "../ip/address.ts";
import { addressFromBytes } from "../ip/bytes.ts";
import type { Frame, Message } from "../netlink/message.ts";
import { commitBatch } from "../netlink/nft/batch.ts";
import { listAddresses } from "../netlink/route/address.ts";
import { getLink, type Link } from "../netlink/route/link.ts";
import { routeScope } from "../netlink/route/route.ts";
import { NetlinkSocket, openSocketIn, protocol } from "../netlink/socket.ts";
import { errno, isKernelError, KernelError } from "../sys/errors.ts";
import { readText, writeText } from "../sys/files.ts";
import { inNetns, type Netns } from "../sys/netns.ts";

/** The namespace a step works in: the caller's own, or the container's. */
export type Where = "host" | "container";

export class Kernel {
  readonly netns: Netns | undefined;
  readonly #links = new Map<string, Link | undefined>();
  readonly #addresses = new Map<string, Cidr[]>();
  #host: NetlinkSocket | undefined;
  #pod: NetlinkSocket | undefined;
  #netfilter: NetlinkSocket | undefined;

  /** Without a namespace only the host can be reached. */
  constructor(netns?: Netns) {
    this.netns = netns;
  }

  route(where: Where): NetlinkSocket {
    if (where === "host") {
      this.#host ??= new NetlinkSocket(protocol.route);
      return this.#host;
    }
    this.#pod ??= openSocketIn(this.#pods(), protocol.route);
    return this.#pod;
  }

  /** What names the container's namespace for good; 0 where nothing was asked of that yet. */
  get netnsCookie(): bigint {
    return this.#pod?.netnsCookie ?? 0n;
  }

  get netfilter(): NetlinkSocket {
    this.#netfilter ??= new NetlinkSocket(protocol.netfilter);
    return this.#netfilter;
  }

  /** One change over rtnetlink. */
  request(where: Where, message: Message): Frame[] {
    return this.route(where).request(message);
  }

  /** One atomic change of nf_tables, in the host's namespace; refused (ERESTART) where that is of another `generation` by now. */
  batch(messages: readonly Message[], generation?: number): void {
    commitBatch(this.netfilter, messages, generation);
  }

  /** A link as it was when first asked for; `forget` it after changing it. */
  link(where: Where, name: string): Link | undefined {
    const key = `${where}/${name}`;
    if (!this.#links.has(key)) this.#links.set(key, getLink(this.route(where), name));
    return this.#links.get(key);
  }

  linkByIndex(index: number, where: Where = "host"): Link | undefined {
    return getLink(this.route(where), index);
  }

  /** The link's index. Throws KernelError ENODEV when it is not there. */
  indexOf(where: Where, name: string): number {
    const link = this.link(where, name);
    if (!link) throw new KernelError(`find link ${name}`, errno.ENODEV);
    return link.index;
  }

  forget(where: Where, name: string): void {
    this.#links.delete(`${where}/${name}`);
    this.#addresses.delete(`${where}/${name}`);
  }

  /** What a link has, without the link-local addresses the kernel gives by itself; as it was when first asked for. */
  addresses(where: Where, name: string): readonly Cidr[] {
    const key = `${where}/${name}`;
    let found = this.#addresses.get(key);
    if (!found) {
      found = this.#addressesOf(where, name, false);
      this.#addresses.set(key, found);
    }
    return found;
  }

  /** The addresses of a link that hold on that link alone, whoever gave them; asked each time. */
  linkLocalAddresses(where: Where, name: string): readonly Cidr[] {
    return this.#addressesOf(where, name, true);
  }

  #addressesOf(where: Where, name: string, isLinkLocal: boolean): Cidr[] {
    const found: Cidr[] = [];
    for (const one of listAddresses(this.route(where), this.indexOf(where, name))) {
      const bytes = one.local ?? one.address;
      if (bytes && (one.scope === routeScope.link) === isLinkLocal)
        found.push({ ...addressFromBytes(bytes), prefixLength: one.prefixLength });
    }
    return found;
  }

  /** As `addresses`, but only if they have been asked for: undefined costs no request. */
  knownAddresses(where: Where, name: string): readonly Cidr[] | undefined {
    return this.#addresses.get(`${where}/${name}`);
  }

  /** The value of a sysctl by its path below /proc/sys, or undefined where the kernel has none. */
  readSysctl(where: Where, path: string): string | undefined {
    const read = () => {
      try {
        return readText(`/proc/sys/${path}`).trim();
      } catch (error) {
        if (isKernelError(error, errno.ENOENT)) return undefined;
        throw error;
      }
    };
    // /proc/sys/net shows the network namespace of the thread that opens a file in it.
    return where === "host" ? read() : inNetns<string | undefined>(this.#pods(), read);
  }

  writeSysctl(where: Where, path: string, value: string): void {
    const write = () => {
      try {
        writeText(`/proc/sys/${path}`, value);
      } catch (error) {
        const number = error instanceof KernelError ? error.errno : errno.EINVAL;
        throw new KernelError(`set sysctl ${path} to ${value}`, number);
      }
    };
    if (where === "host") write();
    else inNetns<void>(this.#pods(), write);
  }

  #pods(): Netns {
    if (!this.netns) throw new Error("This verb was not given a namespace");
    return this.netns;
  }

  close(): void {
    this.#host?.close();
    this.#pod?.close();
    this.#netfilter?.close();
  }
}
