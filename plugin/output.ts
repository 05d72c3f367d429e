/** Standard output, written before the process ends. */
import { code, Fault } from "../conf/fault.ts";
import { errno, isKernelError, type KernelError } from "../netlink/errors.ts";
import { writeFile } from "../netlink/sys.ts";

const stdoutFd = 1;

/** Everything, however much a pipe takes at a time. A reader that has gone is nobody to complain to. Throws Fault. */
export function writeOut(text: string): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeFile(stdoutFd, bytes));
    } catch (error) {
      if (isKernelError(error, errno.EPIPE)) return;
      if (!isKernelError(error, errno.EAGAIN)) throw cannotWrite(error as KernelError);
      // A pipe that does not block, and is full: try again.
    }
  }
}

function cannotWrite({ symbol }: KernelError): Fault {
  return new Fault(code.io, `Cannot write standard output: ${symbol}`, "Lead it to where there is room");
}
