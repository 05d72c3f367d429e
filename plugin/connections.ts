/**
 * UDP flows that connection tracking would lead past what was just changed: a client that sends all the time keeps its
 * old way for as long as it sends. Forgotten are those, and no flow besides: a port's number alone says too little.
 */
import { parseAddress } from "../conf/address.ts";
import { type Connection, deleteConnection, listConnections } from "../netlink/conntrack/connection.ts";
import { errno, isKernelError } from "../netlink/errors.ts";
import { listAddresses } from "../netlink/route/address.ts";
import type { Kernel } from "./kernel.ts";
import { addressBytes } from "./names.ts";
import type { TargetedMapping } from "./step/ports.ts";

const udp = 17;
const anyAddress = ["0.0.0.0", "::"];
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

/** `added`: flows to the host's port that lead elsewhere than now. `removed`: flows that lead to where it led. */
export function forget(mappings: readonly TargetedMapping[], kernel: Kernel, when: "added" | "removed"): void {
  const locals = when === "added" ? localAddresses(kernel) : [];
  for (const mapping of mappings) {
    const target = addressBytes(parseAddress(mapping.target)!);
    const leadsThere = ({ reply }: Connection) =>
      same(reply.source, target) && reply.sourcePort === mapping.containerPort;
    const host =
      mapping.hostIp && !anyAddress.includes(mapping.hostIp) ? addressBytes(parseAddress(mapping.hostIp)!) : undefined;
    const isToHost = ({ original }: Connection) =>
      host
        ? same(original.destination, host)
        : locals.some((local) => same(original.destination, local)) || original.destination[0] === 127;
    for (const connection of connections(kernel, target.length === 4 ? 2 : 10, mapping.hostPort)) {
      const isStale = when === "added" ? isToHost(connection) && !leadsThere(connection) : leadsThere(connection);
      if (isStale) deleteConnection(kernel.netfilter, connection);
    }
  }
}

function localAddresses(kernel: Kernel): Uint8Array[] {
  return listAddresses(kernel.route("host")).flatMap(({ local, address }) => local ?? address ?? []);
}

function connections(kernel: Kernel, family: number, port: number): Connection[] {
  try {
    return listConnections(kernel.netfilter, family, udp, port);
  } catch (error) {
    // A kernel without ctnetlink remembers all the same, and cannot be asked.
    if (isKernelError(error, errno.EOPNOTSUPP, errno.EINVAL)) return [];
    throw error;
  }
}
