/** Changes of nf_tables that depend on the ruleset as it was read. */

import type { Kernel } from "../../kernel/kernel.ts";
import type { Message } from "../../netlink/message.ts";
import { getGeneration } from "../../netlink/nft/generation.ts";
import { errno, isKernelError } from "../../sys/errors.ts";

/** Even programs that write rules all the time leave a moment between two writes. */
const triesMax = 100;

/** Commits the messages that `plan` answers, if the ruleset has not changed since `plan` read it; else calls `plan` again. */
export function batchAsRead(kernel: Kernel, plan: () => readonly Message[]): void {
  for (let tries = 1; ; tries++) {
    const generation = getGeneration(kernel.netfilter);
    const messages = plan();
    if (messages.length === 0) return;
    try {
      kernel.batch(messages, generation);
      return;
    } catch (error) {
      // ENOENT: a batch that is too large is committed in parts, and an element may be gone before its part.
      if (!isKernelError(error, errno.ERESTART, errno.ENOENT) || tries === triesMax) throw error;
    }
  }
}
