/** The height of a terminal (tty_ioctl(4)). */
import { ptr } from "bun:ffi";
import { c } from "./libc.ts";

// asm-generic/ioctls.h; struct winsize: rows, columns, and two that are not used
const TIOCGWINSZ = 0x5413;
const winsizeBytes = 8;

/** Rows of the terminal that a descriptor leads to, 0 if it does not say; undefined if it is no terminal. */
export function terminalRows(descriptor: number): number | undefined {
  const size = new Uint8Array(winsizeBytes);
  if (c.ioctl(descriptor, TIOCGWINSZ, ptr(size)) < 0) return undefined;
  return new Uint16Array(size.buffer)[0];
}
