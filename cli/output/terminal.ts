/** The terminal that a stream writes to, if it does. */

type Stream = Pick<NodeJS.WriteStream, "isTTY" | "columns">;

const widthDefault = 80;

/** Columns; without a terminal there is no limit, so that a program that reads a pipe gets whole values. */
export function widthOf({ isTTY, columns }: Stream): number {
  return isTTY ? columns || widthDefault : Number.POSITIVE_INFINITY;
}

/** True for a terminal that understands escape sequences. */
export function isTerminal({ isTTY }: Stream): boolean {
  return isTTY === true && process.env["TERM"] !== "dumb";
}
