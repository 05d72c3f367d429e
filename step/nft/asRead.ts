/** Changes of nf_tables that depend on what is there. */

import type { Kernel } from "../../kernel/kernel.ts";
import type { Message } from "../../netlink/message.ts";
import { getGeneration } from "../../netlink/nft/generation.ts";
import { errno, isKernelError } from "../../sys/errors.ts";

/** Programs that write rules all the time leave a moment between two of them. */
const triesMax = 100;

/** Commits what `plan` answers if nobody changed the ruleset since it was asked; else asks it again. */
export function batchAsRead(kernel: Kernel, plan: () => readonly Message[]): void {
  for (let tries = 1; ; tries++) {
    const generation = getGeneration(kernel.netfilter);
    const messages = plan();
    if (messages.length === 0) return;
    try {
      kernel.batch(messages, generation);
      return;
    } catch (error) {
      // In parts (a batch that is too large) an element may be gone by the time of its part.
      if (!isKernelError(error, errno.ERESTART, errno.ENOENT) || tries === triesMax) throw error;
    }
  }
}
