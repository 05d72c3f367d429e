/** A port of the host that leads to a container, whichever program published it. */
import type { Protocol } from "../../conf/config/config.ts";

export type Publisher = "ns-net" | "portmap" | "podman" | "docker" | "iptables" | "nftables";

export interface PublishedPort {
  readonly protocol: Protocol;
  /** `0.0.0.0` or `::` for every address of the family. */
  readonly hostAddress: string;
  readonly hostPort: number;
  /** The words that the publisher's rule has for the container: an id or a name; empty if it has none. */
  readonly owner: string;
  /** Absent where a program relays the connections and does not say where to. */
  readonly containerAddress: string | undefined;
  readonly containerPort: number | undefined;
  readonly by: Publisher;
}

/** The same port of the host, by the same address. */
export function placeOf({ protocol, hostAddress, hostPort }: PublishedPort): string {
  return `${protocol} ${hostAddress} ${hostPort}`;
}

/** `0.0.0.0` for an IPv4 target, `::` for an IPv6 one. */
export function anyAddressFor(target: string): string {
  return target.includes(":") ? "::" : "0.0.0.0";
}
