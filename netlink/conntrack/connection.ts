/** Tracked connections: CTA_* (linux/netfilter/nfnetlink_conntrack.h), over nfnetlink. */

import { errno, tolerating } from "../../sys/errors.ts";
import { attributes, be16, be32, bytes, joined, nest, struct, u8, type Values } from "../codec.ts";
import type { Message } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";

/** NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_*. */
const subsystem = 1;
const type = { get: (subsystem << 8) | 1, delete: (subsystem << 8) | 2 } as const;

/** struct nfgenmsg. */
const header = struct({ family: u8, version: u8, resource: be16 });

const ip = attributes({ source4: [1, bytes], destination4: [2, bytes], source6: [3, bytes], destination6: [4, bytes] });
const protocol = attributes({ number: [1, u8], sourcePort: [2, be16], destinationPort: [3, be16] });
const tuple = attributes({ ip: [1, nest(ip)], protocol: [2, nest(protocol)], zone: [3, be16] });
const filter = attributes({ original: [1, be32Host()], reply: [2, be32Host()] });

const connectionAttributes = attributes({
  original: [1, nest(tuple)],
  reply: [2, nest(tuple)],
  id: [12, be32],
  zone: [18, be16],
  filter: [25, nest(filter)],
});

/** CTA_FILTER_*_FLAGS are in the machine's byte order, unlike everything else here. */
function be32Host() {
  return {
    put: (value: number) => new Uint8Array(Uint32Array.of(value).buffer),
    get: (raw: Uint8Array) => raw[0]! | (raw[1]! << 8),
  };
}

type Tuple = Values<(typeof tuple)["table"]>;

export interface Connection {
  /** The addresses and ports of its first packet. */
  readonly original: Flow;
  /** The addresses and ports of its answers, after translation. */
  readonly reply: Flow;
  readonly raw: Values<(typeof connectionAttributes)["table"]>;
  readonly family: number;
}

export interface Flow {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

function flowOf({ ip: addresses = {}, protocol: ports = {} }: Tuple): Flow {
  return {
    source: addresses.source4 ?? addresses.source6 ?? new Uint8Array(0),
    destination: addresses.destination4 ?? addresses.destination6 ?? new Uint8Array(0),
    protocol: ports.number ?? 0,
    sourcePort: ports.sourcePort ?? 0,
    destinationPort: ports.destinationPort ?? 0,
  };
}

/**
 * Tracked connections of a family (AF_INET 2, AF_INET6 10) and a protocol, whose first packet went to this port or,
 * without one, to any. The kernel filters.
 */
export function listConnections(
  socket: NetlinkSocket,
  family: number,
  number: number,
  destinationPort?: number,
): Connection[] {
  const filterFlag = { protocolNumber: 1 << 3, destinationPort: 1 << 5 };
  const payload = joined([
    header.put({ family }),
    connectionAttributes.put({
      original: { protocol: { number, destinationPort } },
      filter: {
        original: filterFlag.protocolNumber | (destinationPort === undefined ? 0 : filterFlag.destinationPort),
      },
    }),
  ]);
  const all = socket.dump({ what: "list tracked connections", type: type.get, flags: 0, payload }).map((frame) => {
    const raw = connectionAttributes.get(frame.payload.subarray(header.size));
    return { original: flowOf(raw.original ?? {}), reply: flowOf(raw.reply ?? {}), raw, family };
  });
  // A kernel before 5.8 ignores the filter and lists everything.
  const isToPort = ({ original }: Connection) =>
    destinationPort === undefined || original.destinationPort === destinationPort;
  return all.filter((one) => one.original.protocol === number && isToPort(one));
}

/** Makes the kernel forget one connection. An absent one is success. */
export function deleteConnection(socket: NetlinkSocket, { raw: { original, id, zone }, family }: Connection): void {
  const payload = joined([header.put({ family }), connectionAttributes.put({ original, id, zone })]);
  const message: Message = { what: "forget a tracked connection", type: type.delete, flags: 0, payload };
  tolerating(() => socket.request(message), errno.ENOENT);
}
