/** Waits for one of several descriptors (poll(2)). Blocks the thread: for a process that does nothing else. */
import { ptr } from "bun:ffi";
import { errno, KernelError } from "./errors.ts";
import { lastErrno } from "./libc.ts";
import { rarely } from "./sysRare.ts";

const [POLLIN, POLLOUT] = [0x1, 0x4];

export class Poll {
  /** struct pollfd: a descriptor (4 bytes), what is waited for (2), what came (2) */
  readonly #entries: Int32Array<ArrayBuffer>;

  /** Waits for `reading` to be readable, closed by the other side or in error, and for `writing` to take bytes. */
  constructor(reading: readonly number[], writing: readonly number[] = []) {
    const entries = [...reading.map((fd) => [fd, POLLIN]), ...writing.map((fd) => [fd, POLLOUT])];
    this.#entries = Int32Array.from(entries.flat());
  }

  /** At most so long, or with -1 without a limit. Answers the places of those that are ready: first `reading`'s. */
  wait(timeoutMs: number): number[] {
    const count = this.#entries.length / 2;
    for (;;) {
      const ready = rarely("poll")(ptr(this.#entries), count, Math.ceil(timeoutMs));
      if (ready >= 0) break;
      const number = lastErrno();
      if (number !== errno.EINTR) throw new KernelError("wait for descriptors", number);
    }
    const places: number[] = [];
    for (let i = 0; i < count; i++) if (this.#entries[2 * i + 1]! >>> 16 !== 0) places.push(i);
    return places;
  }
}
