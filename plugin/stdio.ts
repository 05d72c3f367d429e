/** Standard output, written before the process ends. */
import { code, Fault } from "../conf/fault.ts";
import { errno, isKernelError, type KernelError } from "../sys/errors.ts";
import { writeFile } from "../sys/libc.ts";

const stdoutFd = 1;

/** Writes text for a person: as `writeAnswer`, but it is no error if the reader has gone (`ns-net ls | head`). */
export function writeOut(text: string): void {
  try {
    writeAll(new TextEncoder().encode(text));
  } catch (error) {
    if (!isKernelError(error, errno.EPIPE)) throw cannotWrite(error as KernelError);
  }
}

/** As `writeOut`, for bytes of another program. False if the reader has gone. */
export function writeBytes(bytes: Uint8Array): boolean {
  try {
    writeAll(bytes);
    return true;
  } catch (error) {
    if (isKernelError(error, errno.EPIPE)) return false;
    throw cannotWrite(error as KernelError);
  }
}

/** Writes all of an answer, however much a pipe takes at a time. Throws Fault, also if the reader has gone. */
export function writeAnswer(text: string): void {
  try {
    writeAll(new TextEncoder().encode(text));
  } catch (error) {
    throw cannotWrite(error as KernelError);
  }
}

function writeAll(all: Uint8Array): void {
  let bytes = all;
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeFile(stdoutFd, bytes));
    } catch (error) {
      if (!isKernelError(error, errno.EAGAIN)) throw error;
      // A pipe that does not block, and is full: try again.
    }
  }
}

function cannotWrite({ errno: number, symbol }: KernelError): Fault {
  const [what, cure] =
    number === errno.EPIPE
      ? ["its reader has gone", "Read it to its end"]
      : [
          number === errno.ENOSPC ? "the disk is full" : `the kernel refuses (${symbol})`,
          "Redirect it to a file system with free space",
        ];
  return new Fault(code.io, `Cannot write standard output: ${what}`, cure);
}
