/** Batches larger than the socket's send buffer, where the process may not raise the limit (in a user namespace). */
import type { Message } from "../message.ts";

/** Less than every usual send buffer (net.core.wmem_default is 212992). A message has at most 64 KiB. */
const partBytesMax = 128 * 1024;

/** Commits one part; with `generation` only if the ruleset did not change since. */
type Commit = (part: readonly Message[], generation: number | undefined) => void;

export function commitInParts(messages: readonly Message[], generation: number | undefined, commit: Commit): void {
  let expected = generation;
  for (let at = 0; at < messages.length; ) {
    const start = at;
    let length = messages[at++]!.payload.length;
    while (at < messages.length && length + messages[at]!.payload.length <= partBytesMax)
      length += messages[at++]!.payload.length;
    commit(messages.slice(start, at), expected);
    expected = undefined;
  }
}
