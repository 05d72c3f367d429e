/** Standard output, written before the process ends. */
import { writeSync } from "node:fs";

const stdoutFd = 1;

/** Everything, however much a pipe takes at a time. A reader that has gone is nobody to complain to. */
export function writeOut(text: string): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(stdoutFd, bytes));
    } catch (error) {
      const symbol = (error as NodeJS.ErrnoException).code;
      if (symbol === "EPIPE") return;
      if (symbol !== "EAGAIN") throw error; // a pipe that does not block, and is full: try again
    }
  }
}
