/** All that steps do to the kernel goes through here: one place to read, to trace, and to make fail in tests. */
import type { Cidr } from "../ip/address.ts";
import { addressFromBytes } from "../ip/bytes.ts";
import type { Frame, Message } from "../netlink/message.ts";
import { commitBatch } from "../netlink/nft/batch.ts";
import { listAddresses } from "../netlink/route/address.ts";
import { getLink, type Link } from "../netlink/route/link.ts";
import { routeScope } from "../netlink/route/route.ts";
import { NetlinkSocket, openSocketIn, protocol } from "../netlink/socket.ts";
import { errno, KernelError, tolerating } from "../sys/errors.ts";
import { readText, writeText } from "../sys/files.ts";
import { netlinkSocket } from "../sys/libc.ts";
import { closeNetns, inNetns, type Netns, openOwnNetns } from "../sys/netns.ts";
import { isShared, mayBlock } from "../sys/sharedProcess.ts";

/** The end that a step works at: the host, or the container. */
export type Where = "host" | "container";

/** Which namespaces a kernel reaches. */
export interface Ends {
  /** The host's namespace, which stays its caller's to close. Absent: the one that this thread is in. */
  readonly host?: Netns | undefined;
  /** The container's namespace; the kernel closes it. Absent: only the host can be reached. */
  readonly container?: Netns | undefined;
  /** Takes a sentence for the person who reads the runtime's log. */
  readonly stderr?: ((text: string) => void) | undefined;
}

/** Opens nothing until something is asked. `using kernel = openKernel(…)` closes its sockets and the container's namespace. */
export function openKernel(ends: Ends = {}): Kernel {
  return new Kernel(ends);
}

/** The kernel as one host and one container see it. Reads are cached until `forget`. */
export class Kernel implements Disposable {
  readonly #ends: Ends;
  readonly #links = new Map<string, Link | undefined>();
  readonly #addresses = new Map<string, Cidr[]>();
  readonly #remembered = new Map<string, unknown>();
  #ownHost: Netns | undefined;
  #host: NetlinkSocket | undefined;
  #container: NetlinkSocket | undefined;
  #netfilter: NetlinkSocket | undefined;

  constructor(ends: Ends) {
    this.#ends = ends;
  }

  /** The container's namespace; undefined where only the host can be reached. */
  get netns(): Netns | undefined {
    return this.#ends.container;
  }

  /** The host's namespace, open for as long as this kernel is. */
  get host(): Netns {
    if (this.#ends.host) return this.#ends.host;
    this.#ownHost ??= openOwnNetns();
    return this.#ownHost;
  }

  /** A kernel of the same host and another container, which it closes. */
  withContainer(container: Netns | undefined): Kernel {
    return new Kernel({ ...this.#ends, container });
  }

  /** Runs `work` with the thread in the namespace of that end: sockets it opens, /proc and processes it starts are of that one. */
  at<T>(where: Where, work: () => T extends Promise<unknown> ? never : T): T {
    if (where === "container") return inNetns<T>(this.#containerNetns(), work);
    return this.#ends.host ? inNetns(this.#ends.host, work) : work();
  }

  /** A socket that receives events of that end, for netlink/route/events.ts, which closes it. */
  openEventSocket(where: Where): number {
    return this.at<number>(where, () => netlinkSocket(protocol.route));
  }

  stderr(text: string): void {
    this.#ends.stderr?.(text);
  }

  route(where: Where): NetlinkSocket {
    if (where === "host") {
      this.#host ??= this.#openHost(protocol.route);
      return this.#host;
    }
    this.#container ??= openSocketIn(this.#containerNetns(), protocol.route);
    return this.#container;
  }

  #openHost(number: number): NetlinkSocket {
    return this.#ends.host ? openSocketIn(this.#ends.host, number) : new NetlinkSocket(number);
  }

  /** The cookie of the container's namespace, which the kernel never gives again; 0 until a socket was opened there. */
  get netnsCookie(): bigint {
    return this.#container?.netnsCookie ?? 0n;
  }

  get netfilter(): NetlinkSocket {
    this.#netfilter ??= this.#openHost(protocol.netfilter);
    return this.#netfilter;
  }

  /** One change over rtnetlink. */
  request(where: Where, message: Message): Frame[] {
    if (message.waits && isShared()) this.#refuseToWait(where, message.what, message.waits);
    return this.route(where).request(message);
  }

  #refuseToWait(where: Where, what: string, waits: NonNullable<Message["waits"]>): void {
    if (waits === "always" || getLink(this.route(where), waits.ifExists)) mayBlock(what);
  }

  /**
   * One atomic change of nf_tables, in the host's namespace. With `generation`, the kernel refuses it (ERESTART) if the
   * ruleset changed since.
   */
  batch(messages: readonly Message[], generation?: number): void {
    this.#remembered.clear();
    commitBatch(this.netfilter, messages, generation);
  }

  /** A link as it was when first asked for. `forget` it after changing it. */
  link(where: Where, name: string): Link | undefined {
    const key = `${where}/${name}`;
    if (!this.#links.has(key)) this.#links.set(key, getLink(this.route(where), name));
    return this.#links.get(key);
  }

  linkByIndex(index: number, where: Where = "host"): Link | undefined {
    return getLink(this.route(where), index);
  }

  /** The index of a link. Throws KernelError ENODEV if there is no such link. */
  indexOf(where: Where, name: string): number {
    const link = this.link(where, name);
    if (!link) throw new KernelError(`find link ${name}`, errno.ENODEV);
    return link.index;
  }

  forget(where: Where, name: string): void {
    this.#links.delete(`${where}/${name}`);
    this.#addresses.delete(`${where}/${name}`);
  }

  /**
   * The addresses of a link as it had them when first asked for, without the link-local ones that the kernel gives by
   * itself.
   */
  addresses(where: Where, name: string): readonly Cidr[] {
    const key = `${where}/${name}`;
    let found = this.#addresses.get(key);
    if (!found) {
      found = this.#addressesOf(where, name, false);
      this.#addresses.set(key, found);
    }
    return found;
  }

  /** The link-local addresses of a link, whatever set them. Asks the kernel each time. */
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

  /** As `addresses` if they were asked for before; undefined otherwise, without a request. */
  knownAddresses(where: Where, name: string): readonly Cidr[] | undefined {
    return this.#addresses.get(`${where}/${name}`);
  }

  /** The answer of `read` under that name, until the next batch or `forgetAll`. */
  remembered<T>(name: string, read: () => T): T {
    if (!this.#remembered.has(name)) this.#remembered.set(name, read());
    return this.#remembered.get(name) as T;
  }

  /** Drops all that was read: another call may have changed it. */
  forgetAll(): void {
    this.#remembered.clear();
    this.#links.clear();
    this.#addresses.clear();
  }

  /** The value of a sysctl by its path below /proc/sys; undefined if the kernel has none. */
  readSysctl(where: Where, path: string): string | undefined {
    // /proc/sys/net shows the network namespace of the thread that opens a file in it.
    return this.at<string | undefined>(where, () =>
      tolerating(() => readText(`/proc/sys/${path}`).trim(), errno.ENOENT),
    );
  }

  writeSysctl(where: Where, path: string, value: string): void {
    this.at<void>(where, () => {
      try {
        writeText(`/proc/sys/${path}`, value);
      } catch (error) {
        const number = error instanceof KernelError ? error.errno : errno.EINVAL;
        throw new KernelError(`set sysctl ${path} to ${value}`, number);
      }
    });
  }

  #containerNetns(): Netns {
    if (!this.netns) throw new Error("This verb was not given a namespace");
    return this.netns;
  }

  close(): void {
    this.#host?.close();
    this.#container?.close();
    this.#netfilter?.close();
    if (this.#ownHost) closeNetns(this.#ownHost);
    if (this.#ends.container) closeNetns(this.#ends.container);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
