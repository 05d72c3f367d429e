/** A fault as a person reads it: the sentence, then the cure on a second line. */
import type { Fault } from "../conf/fault.ts";

const audience = { byHand: true };

/** `about` names the part that failed, for a command that does several things. */
export function spoken(fault: Fault, about = ""): string {
  const cure = fault.cure(audience);
  return `ns-net: ${about && `${about}: `}${fault.sentence(audience)}${cure && `\n  ${cure}`}\n`;
}
