/** Batches of nf_tables: all messages between begin and end take effect together, or none. */

import { errno, isKernelError } from "../../sys/errors.ts";
import type { Message } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";
import { batchBegin, batchBeginAt, batchEnd } from "./message.ts";
import defer * as parts from "./parts.ts";

const edges = new Set([batchBegin, batchEnd]);
/** More acknowledgements might overflow the socket. The kernel reports a refusal even without a request for one. */
const acknowledgedMax = 64;

/**
 * Commits messages atomically. Throws KernelError that names the first refused message; then none took effect. With
 * `generation` the kernel refuses the batch (ERESTART) if the ruleset changed since. A batch larger than the socket may
 * send is committed in parts, in order: then the parts before the refused one have taken effect.
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
