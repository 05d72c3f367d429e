/** The terminal that standard output or standard error leads to. A stream of Bun takes milliseconds to create, so that only a terminal gets one. */
import { isatty } from "node:tty";

/** File descriptors. */
export const output = { standard: 1, error: 2 } as const;

export type Output = (typeof output)[keyof typeof output];

const widthDefault = 80;

/** Characters in a line; without a terminal there is no limit, so that a program that reads a pipe gets whole values. */
export function widthOf(to: Output): number {
  if (!isatty(to)) return Number.POSITIVE_INFINITY;
  return (to === output.standard ? process.stdout : process.stderr).columns || widthDefault;
}

/** True for a terminal that understands escape sequences. */
export function isTerminal(to: Output): boolean {
  return isatty(to) && process.env["TERM"] !== "dumb";
}
