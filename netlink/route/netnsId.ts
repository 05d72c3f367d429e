/** The numbers by which a network namespace knows others: struct rtgenmsg and NETNSA_* (linux/net_namespace.h). */
import { attributes, i32, joined, struct, u8, u32 } from "../codec.ts";
import type { NetlinkSocket } from "../socket.ts";

const getNetnsId = 90;
const header = struct({ family: u8, padding: u8, padding1: u8, padding2: u8 });
const netnsAttributes = attributes({ id: [1, i32], fd: [3, u32] });

/** The number that the socket's namespace has for the namespace behind a file descriptor; undefined without one. */
export function netnsIdOf(socket: NetlinkSocket, fd: number): number | undefined {
  const payload = joined([header.put({}), netnsAttributes.put({ fd })]);
  const frame = socket.lookUp({ what: "look up a namespace's number", type: getNetnsId, flags: 0, payload });
  const id = frame && netnsAttributes.get(frame.payload.subarray(header.size)).id;
  return id === undefined || id < 0 ? undefined : id;
}
