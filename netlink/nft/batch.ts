/** All or nothing: what is sent between begin and end takes effect together, or not at all. */

import { errno, isKernelError } from "../../sys/errors.ts";
import type { Message } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";
import { batchBegin, batchBeginAt, batchEnd } from "./message.ts";
import defer * as parts from "./parts.ts";

const edges = new Set([batchBegin, batchEnd]);
/** More acknowledgements than these might not have room in the socket. What is refused is answered without being asked. */
const acknowledgedMax = 64;

/**
 * Commits messages atomically. Throws KernelError naming the first that was refused; then none took effect. With
 * `generation`, only while the ruleset still is of that one (ERESTART). What is larger than the socket may send is
 * committed in parts, in order; then those before the one that is refused have taken effect.
 */
export function commitBatch(socket: NetlinkSocket, messages: readonly Message[], generation?: number): void {
  const begin = generation === undefined ? batchBegin : batchBeginAt(generation);
  try {
    const isUsual = generation === undefined && messages.length <= acknowledgedMax;
    socket.batch([begin, ...messages, batchEnd], isUsual ? edges : silentOnes(begin, messages));
  } catch (error) {
    if (!isKernelError(error, errno.EMSGSIZE) || messages.length < 2) throw error;
    parts.commitInParts(messages, generation, (part, expected) => commitBatch(socket, part, expected));
  }
}

function silentOnes(begin: Message, messages: readonly Message[]): ReadonlySet<Message> {
  const silent = messages.length <= acknowledgedMax ? [] : messages.slice(0, -1);
  return new Set([begin, ...silent, batchEnd]);
}
