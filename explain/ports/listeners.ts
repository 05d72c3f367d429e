/** Whether something listens on a port inside of a container's namespace. Each namespace is asked once a protocol. */
import type { Protocol } from "../../conf/config/config.ts";
import { formatAddress } from "../../ip/address.ts";
import { addressFromBytes } from "../../ip/bytes.ts";
import { openIfPresent } from "../../kernel/namespace.ts";
import { openSocketIn } from "../../netlink/socket.ts";
import { type Listening, listeningSockets, socketDiagnosis } from "../../netlink/sockets/listening.ts";
import { KernelError } from "../../sys/errors.ts";
import { closeNetns } from "../../sys/netns.ts";
import { anyAddressFor, type PublishedPort } from "./publishedPort.ts";

export class Listeners {
  readonly #asked = new Map<string, readonly Listening[] | undefined>();

  /** `paths` lead to the namespace with that inode. Undefined if it cannot be asked. */
  hasOne(paths: readonly string[], inode: number, port: PublishedPort): boolean | undefined {
    const { protocol, containerAddress, containerPort } = port;
    if (containerAddress === undefined) return undefined;
    const key = `${protocol} ${inode}`;
    if (!this.#asked.has(key)) this.#asked.set(key, listeningIn(paths, inode, protocol));
    const all = this.#asked.get(key);
    return all?.some((one) => one.port === containerPort && receives(one, containerAddress));
  }
}

function receives({ address }: Listening, target: string): boolean {
  const text = formatAddress(addressFromBytes(address));
  // A socket on :: gets IPv4, too, unless it asks for IPv6 alone, which cannot be seen from here.
  return text === target || text === anyAddressFor(target) || text === "::" || text === `::ffff:${target}`;
}

function listeningIn(paths: readonly string[], inode: number, protocol: Protocol): readonly Listening[] | undefined {
  for (const path of paths) {
    try {
      const netns = openIfPresent(path);
      if (netns === undefined) continue;
      try {
        if (Number(netns.inode) !== inode) continue;
        using socket = openSocketIn(netns, socketDiagnosis);
        return listeningSockets(socket, protocol);
      } finally {
        closeNetns(netns);
      }
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return undefined; // no right to enter it, or a kernel that cannot list these sockets
    }
  }
  return undefined;
}
