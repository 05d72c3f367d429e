/** Standard output, written before the process ends. */
import { errno, isKernelError } from "../netlink/errors.ts";
import { writeFile } from "../netlink/sys.ts";

const stdoutFd = 1;

/** Everything, however much a pipe takes at a time. A reader that has gone is nobody to complain to. */
export function writeOut(text: string): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeFile(stdoutFd, bytes));
    } catch (error) {
      if (isKernelError(error, errno.EPIPE)) return;
      if (!isKernelError(error, errno.EAGAIN)) throw error; // a pipe that does not block, and is full: try again
    }
  }
}
