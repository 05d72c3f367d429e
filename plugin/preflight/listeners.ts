/** Programs that listen on a port, by the kernel's tables of sockets. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { PortMapping, Protocol } from "../../conf/config/config.ts";
import { hasPort } from "../../conf/config/portRow.ts";
import { code, Fault } from "../../conf/fault.ts";
import { type Families, familyOf, formatAddress, parseAddress } from "../../ip/address.ts";

interface Listener {
  readonly address: string;
  readonly port: number;
  readonly inode: string;
}

/**
 * /proc/net of each protocol, and the state of a socket that receives there: TCP_LISTEN, and for UDP "unconnected"
 * (TCP_CLOSE).
 */
const files: Readonly<Record<Protocol, readonly [state: string, files: readonly string[]]>> = {
  tcp: ["0A", ["tcp", "tcp6"]],
  udp: ["07", ["udp", "udp6"]],
  sctp: ["", []],
};

/** podman's monitor binds the ports of its container to keep other programs from them, and serves none. */
const placeholders = ["conmon"];

/** Throws Fault (code.tryAgain) that names the program if it can be found. */
export function refuseListening(mappings: readonly PortMapping[], families: Families): void {
  for (const protocol of ["tcp", "udp"] as const) {
    const wanted = mappings.filter((one) => one.protocol === protocol);
    if (wanted.length === 0) continue;
    for (const listener of listenersOf(protocol)) {
      const isMeant = (one: PortMapping) =>
        hasPort(one, listener.port) && overlaps(one.hostIp, listener.address, families);
      if (!wanted.some(isMeant)) continue;
      const program = programOf(listener.inode);
      if (program && placeholders.includes(program.name)) continue;
      throw new Fault(
        code.tryAgain,
        `Cannot publish port ${listener.port}/${protocol}: ${program ? `${program.name} (process ${program.pid})` : "a program of the host"} ` +
          `listens on ${familyOf(listener.address) === 6 ? `[${listener.address}]` : listener.address}:${listener.port}`,
        "Stop it, let it listen on another address, or publish another port",
      );
    }
  }
}

function listenersOf(protocol: Protocol): Listener[] {
  const [state, names] = files[protocol];
  return names.flatMap((name) => {
    let text: string;
    try {
      text = readFileSync(`/proc/thread-self/net/${name}`, "utf8");
    } catch {
      return []; // a kernel without IPv6
    }
    return text
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === state)
      .map((fields): Listener => {
        const [address = "", port = "0"] = fields[1]!.split(":");
        return { address: addressOf(address), port: Number.parseInt(port, 16), inode: fields[9] ?? "" };
      });
  });
}

/** `0100007F` is 127.0.0.1: words of 4 bytes in the machine's byte order. */
function addressOf(hex: string): string {
  const bytes = hex
    .match(/.{8}/g)!
    .map((word) => word.match(/../g)!.reverse().join(""))
    .join("");
  return formatAddress({ family: hex.length === 8 ? 4 : 6, value: BigInt(`0x${bytes}`) });
}

const mapped = /^::ffff:(?=\d+\.)/;

/** A listener on `::` also receives IPv4, as far as can be seen from here. */
function overlaps(hostIp: string | undefined, listening: string, families: Families): boolean {
  if (listening === "::") return true;
  const plain = listening.replace(mapped, "");
  if (hostIp === undefined) return families.includes(familyOf(plain));
  const isAny = (text: string) => text === "0.0.0.0" || text === "::";
  if (parseAddress(hostIp)!.family !== parseAddress(plain)!.family) return false;
  return isAny(hostIp) || isAny(plain) || hostIp === plain;
}

/** The program that has a socket open, for the message. */
function programOf(inode: string): { pid: string; name: string } | undefined {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const fds = `/proc/${pid}/fd`;
      for (const fd of readdirSync(fds)) {
        if (readlinkSync(`${fds}/${fd}`) === `socket:[${inode}]`) {
          return { pid, name: readFileSync(`/proc/${pid}/comm`, "utf8").trim() };
        }
      }
    } catch {
      // The process ended meanwhile, or may not be read.
    }
  }
  return undefined;
}
