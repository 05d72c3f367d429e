/** The call that a person makes: the environment of this process, and what a verb has to say on standard error. */
import type { Call } from "../conf/call.ts";
import { processCall } from "../plugin/processCall.ts";

/** `verb`: one that changes something finishes, or undoes what it did, before a signal ends the process. */
export function callByHand(verb: "ADD" | "DEL" | "GC"): Call {
  return processCall({ ...process.env, CNI_COMMAND: verb });
}

export function toStderr(text: string): void {
  process.stderr.write(text);
}
