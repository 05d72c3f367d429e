/** The call that a person makes: the environment of this process, and what a verb has to say on standard error. */
import type { Call } from "../conf/call.ts";
import { processCall } from "../plugin/processCall.ts";

/** A signal ends the process, except that an ADD undoes what it did first. */
export function callByHand(verb?: "ADD"): Call {
  return processCall({ ...process.env, CNI_COMMAND: verb });
}

export function toStderr(text: string): void {
  process.stderr.write(text);
}
