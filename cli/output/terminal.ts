/** The terminal that standard output or standard error leads to. A system call answers: node:tty takes long to load. */
import { terminalColumns } from "../../sys/sysRare.ts";

/** File descriptors. */
export const output = { standard: 1, error: 2 } as const;

export type Output = (typeof output)[keyof typeof output];

const widthDefault = 80;

/** Characters in a line; without a terminal there is no limit, so that a program that reads a pipe gets whole values. */
export function widthOf(to: Output): number {
  const columns = terminalColumns(to);
  return columns === undefined ? Number.POSITIVE_INFINITY : columns || widthDefault;
}

export const isTerminal = (descriptor: number): boolean => terminalColumns(descriptor) !== undefined;

/** True for a terminal that understands escape sequences. */
export const hasEscapes = (to: Output): boolean => isTerminal(to) && process.env["TERM"] !== "dumb";
