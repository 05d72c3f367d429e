/** The file or pipe that a capture writes to. */
import { fileStatus } from "../../sys/files.ts";
import { writeFile } from "../../sys/libc.ts";
import { Poll } from "../../sys/poll.ts";

/** A pipe that can be written takes so much without waiting (PIPE_BUF, pipe(7)). */
const atOnceBytes = 4096;
/** The reader of a pipe has so long for what is left, once the capture is to end. */
const endMs = 1000;

/** The reader of the pipe takes nothing, and the capture is to end. */
export class NoReader extends Error {
  override name = "NoReader";
}

export class Output {
  readonly #fd: number;
  readonly #isFile: boolean;
  readonly #ends: readonly number[];
  readonly #whileGoing: Poll;
  readonly #untilEnd: Poll;

  /** `ends`: descriptors that are readable once the capture is to end, so that a full pipe does not hold it up. */
  constructor(fd: number, ends: readonly number[]) {
    this.#fd = fd;
    this.#isFile = fileStatus(fd).isRegular;
    this.#ends = ends;
    this.#whileGoing = new Poll(ends, [fd]);
    this.#untilEnd = new Poll([], [fd]);
  }

  /** Writes all of it. Throws KernelError (EPIPE if the reader has gone, ENOSPC if the disk is full) or NoReader. */
  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (!this.#isFile) this.#waitForRoom();
      at += writeFile(this.#fd, bytes.subarray(at, this.#isFile ? bytes.length : at + atOnceBytes));
    }
  }

  #waitForRoom(): void {
    const hasRoom = this.#whileGoing.wait(-1).includes(this.#ends.length);
    if (!hasRoom && this.#untilEnd.wait(endMs).length === 0) throw new NoReader();
  }
}
