/**
 * UDP flows that connection tracking still leads to the previous target: as long as a client keeps sending, its flow keeps
 * the old translation. Deletes those flows and no others, so it compares targets and not only the port's number.
 */

import type { Family } from "../../ip/address.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { type Connection, deleteConnection, listConnections } from "../../netlink/conntrack/connection.ts";
import { addressFamily, listAddresses } from "../../netlink/route/address.ts";
import { errno, tolerating } from "../../sys/errors.ts";

/** The target of a published port, or of `count` consecutive ones. Addresses as bytes. */
export interface Led {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly count?: number;
  readonly target: Uint8Array;
  /** Absent: every address of the host. */
  readonly host?: Uint8Array | undefined;
}

const udp = 17;
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

/** `added`: deletes flows to the host's port that have another target. `removed`: deletes flows that have the removed target. */
export function forget(all: readonly Led[], kernel: Kernel, when: "added" | "removed"): void {
  const locals = when === "added" ? localAddresses(kernel) : [];
  for (const family of [4, 6] as const) {
    const own = all.filter(({ target }) => target.length === (family === 4 ? 4 : 16));
    if (own.length === 0) continue;
    const byPort = portsOf(own);
    const [[only] = [], ...others] = byPort;
    // The kernel filters by one port, or lists all flows.
    for (const connection of connections(kernel, family, others.length === 0 ? only : undefined)) {
      const led = byPort.get(connection.original.destinationPort) ?? [];
      const isStale =
        when === "added" ? isElsewhere(connection, led, locals) : led.some((one) => leads(connection, one));
      if (isStale) deleteConnection(kernel.netfilter, connection);
    }
  }
}

function portsOf(all: readonly Led[]): Map<number, Led[]> {
  const byPort = new Map<number, Led[]>();
  for (const one of all) {
    for (let port = one.hostPort; port < one.hostPort + (one.count ?? 1); port++) {
      const others = byPort.get(port);
      if (others) others.push(one);
      else byPort.set(port, [one]);
    }
  }
  return byPort;
}

function leads({ original, reply }: Connection, { hostPort, containerPort, target }: Led): boolean {
  return same(reply.source, target) && reply.sourcePort === containerPort + original.destinationPort - hostPort;
}

/** True if the flow has another target. A port on one address of the host takes precedence over one on all. */
function isElsewhere(connection: Connection, led: readonly Led[], locals: readonly Uint8Array[]): boolean {
  const { destination } = connection.original;
  const isLocal = () => locals.some((local) => same(destination, local)) || destination[0] === 127;
  const one =
    led.find(({ host }) => host && same(destination, host)) ?? led.find(({ host }) => host === undefined && isLocal());
  return one !== undefined && !leads(connection, one);
}

function localAddresses(kernel: Kernel): Uint8Array[] {
  return listAddresses(kernel.route("host")).flatMap(({ local, address }) => local ?? address ?? []);
}

function connections(kernel: Kernel, family: Family, port: number | undefined): Connection[] {
  const list = () => listConnections(kernel.netfilter, addressFamily[family], udp, port);
  // A kernel without ctnetlink tracks connections, but does not list them.
  return tolerating(list, errno.EOPNOTSUPP, errno.EINVAL) ?? [];
}
