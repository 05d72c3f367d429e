/** Sends packets byte by byte: as frames out of a link (packet(7)), or as packets of the namespace itself (raw(7)). */
import { ptr } from "bun:ffi";
import type { Packet } from "../../../explain/rules/packet.ts";
import { bind, checked } from "../../../sys/libc.ts";
import { closeNetns, inNetns, openNetns } from "../../../sys/netns.ts";

const c = bind({
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
});

// linux/socket.h, linux/in.h
const [AF_INET, AF_INET6, AF_PACKET, SOCK_RAW, IPPROTO_RAW] = [2, 10, 17, 3, 255];
const etherTypes = { 4: [0x08, 0x00], 6: [0x86, 0xdd] } as const;
const versionOf = (network: Uint8Array) => (network[0]! >> 4 === 4 ? 4 : 6);

export interface Sender extends Disposable {
  send(packet: Packet): void;
}

function opened(path: string, family: number, protocol: number): number {
  const netns = openNetns(path);
  try {
    const open = () => c.socket(family, SOCK_RAW, protocol);
    return checked("open a raw socket", inNetns<number>(netns, open));
  } finally {
    closeNetns(netns);
  }
}

/** Sends frames out of the link with this index in the namespace at a path. */
export function frameSender(path: string, index: number): Sender {
  const socket = opened(path, AF_PACKET, 0);
  // struct sockaddr_ll: family, protocol, index, type, kind, length of the address, address
  const to = Buffer.alloc(20);
  to.writeUInt16LE(AF_PACKET, 0);
  to.writeInt32LE(index, 4);
  return {
    send({ link, network, transport }) {
      const frame = Buffer.concat([link ?? Buffer.alloc(0), network, transport]);
      to.set(etherTypes[versionOf(network)], 2);
      checked("send a frame", c.sendto(socket, ptr(frame), frame.length, 0, ptr(to), to.length));
    },
    [Symbol.dispose]: () => void c.close(socket),
  };
}

/** Sends packets that the namespace at a path makes itself. One without a route, or that a rule drops, is no error. */
export function packetSender(path: string): Sender {
  const sockets = { 4: opened(path, AF_INET, IPPROTO_RAW), 6: opened(path, AF_INET6, IPPROTO_RAW) };
  return {
    send({ network, transport }) {
      const bytes = Buffer.concat([network, transport]);
      const version = versionOf(network);
      // struct sockaddr_in: family, port, address; struct sockaddr_in6: family, port, flow, address, scope
      const to = Buffer.alloc(version === 4 ? 16 : 28);
      to.writeUInt16LE(version === 4 ? AF_INET : AF_INET6, 0);
      to.set(version === 4 ? network.subarray(16, 20) : network.subarray(24, 40), version === 4 ? 4 : 8);
      c.sendto(sockets[version], ptr(bytes), bytes.length, 0, ptr(to), to.length);
    },
    [Symbol.dispose]() {
      c.close(sockets[4]);
      c.close(sockets[6]);
    },
  };
}
