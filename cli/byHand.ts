/** Faults as a person reads them: the sentence, and on a second line the cure. */
import type { Fault } from "../conf/fault.ts";

const audience = { byHand: true };

/** `about` names what failed, where a command does several things. */
export function spoken(fault: Fault, about = ""): string {
  const cure = fault.cure(audience);
  return `ns-net: ${about && `${about}: `}${fault.sentence(audience)}${cure && `\n  ${cure}`}\n`;
}
