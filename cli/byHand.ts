/** A fault as a person reads it: the sentence, then the cure on a second line. */
import type { Fault } from "../conf/fault.ts";
import { coloured } from "./output/colour.ts";
import { output } from "./output/terminal.ts";

const audience = { byHand: true };

/** `about` names the part that failed, for a command that does several things. */
export function spoken(fault: Fault, about = ""): string {
  return `${errorMark()} ${about && `${about}: `}${wordsOf(fault)}`;
}

/** The same, of a command that succeeds all the same. */
export const noticed = (fault: Fault): string => `ns-net: ${wordsOf(fault)}`;

function wordsOf(fault: Fault): string {
  const cure = fault.cure(audience);
  return `${fault.sentence(audience)}${cure && `\n  ${cure}`}\n`;
}

/** The beginning of each error, for standard error. */
export const errorMark = (): string => coloured("bad", "ns-net:", output.error);
