/** All or nothing: what is sent between begin and end takes effect together, or not at all. */
import type { Message } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";
import { batchBegin, batchEnd } from "./message.ts";

const edges = new Set([batchBegin, batchEnd]);

/** Commits messages atomically. Throws KernelError naming the first that was refused; then none took effect. */
export function commitBatch(socket: NetlinkSocket, messages: readonly Message[]): void {
  socket.batch([batchBegin, ...messages, batchEnd], edges);
}
