/**
 * Programs of the host that accept connections and pass them on to a container. docker-proxy says where to in its
 * arguments. Those of rootless podman do not, so only their ports are known.
 */
import { readdirSync, readlinkSync } from "node:fs";
import type { Protocol } from "../../conf/config/config.ts";
import { formatAddress } from "../../ip/address.ts";
import { addressFromBytes } from "../../ip/bytes.ts";
import { NetlinkSocket } from "../../netlink/socket.ts";
import { type Listening, listeningSockets, socketDiagnosis } from "../../netlink/sockets/listening.ts";
import { everyProcess } from "../namespaceKinds.ts";
import { readOrEmpty } from "../readOrEmpty.ts";
import type { PublishedPort } from "./publishedPort.ts";

/** Names as the kernel cuts them, after 15 bytes. pasta changes its name to that of a variant for the processor. */
const dockers = "docker-proxy";
const podmans = /^(?:rootlessport|pasta|slirp4netns)/;

export function relayedPorts(): PublishedPort[] {
  const own: PublishedPort[] = [];
  const sockets = new Set<number>();
  for (const { pid, command: name } of everyProcess()) {
    if (name === dockers) own.push(...portOfDocker(readOrEmpty(`/proc/${pid}/cmdline`).split("\0")));
    else if (podmans.test(name)) for (const inode of socketsOf(pid)) sockets.add(inode);
  }
  return sockets.size === 0 ? own : [...own, ...listeningOn(sockets)];
}

/** moby: cmd/docker-proxy */
function portOfDocker(words: readonly string[]): [] | [PublishedPort] {
  const value = (option: string) => words[words.indexOf(option) + 1] ?? "";
  const [protocol, hostPort, containerPort] = [
    value("-proto"),
    Number(value("-host-port")),
    Number(value("-container-port")),
  ];
  if (!isProtocol(protocol) || !(hostPort > 0)) return [];
  const [hostAddress, containerAddress] = [value("-host-ip"), value("-container-ip")];
  return [{ protocol, hostAddress, hostPort, owner: "", containerAddress, containerPort, by: "docker" }];
}

function isProtocol(text: string): text is Protocol {
  return text === "tcp" || text === "udp" || text === "sctp";
}

function listeningOn(inodes: ReadonlySet<number>): PublishedPort[] {
  using socket = new NetlinkSocket(socketDiagnosis);
  const portOf = (protocol: Protocol, { address, port }: Listening): PublishedPort => ({
    ...{ protocol, hostAddress: formatAddress(addressFromBytes(address)), hostPort: port, owner: "" },
    ...{ containerAddress: undefined, containerPort: undefined, by: "podman" },
  });
  return (["tcp", "udp"] as const).flatMap((protocol) =>
    listeningSockets(socket, protocol)
      .filter(({ inode }) => inodes.has(inode))
      .map((one) => portOf(protocol, one)),
  );
}

/** The inodes of the sockets that a process has open. */
function socketsOf(pid: number): number[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).flatMap((name) => {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${name}`))?.[1];
      return inode === undefined ? [] : [Number(inode)];
    });
  } catch {
    return []; // the process ended, closed one meanwhile, or belongs to another user
  }
}
