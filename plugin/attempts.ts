/**
 * Work that continues after errors: DEL and GC try every part, and report all errors together. Stops only at WouldBlock,
 * after which another process does all of it again.
 */
import { WouldBlock } from "../sys/sharedProcess.ts";

export class Attempts {
  readonly errors: Error[] = [];

  /** Answers `otherwise` if `work` throws. */
  try<T>(otherwise: NoInfer<T>, work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.#keep(error);
      return otherwise;
    }
  }

  /** For work that answers its errors, and may throw another one. */
  all(work: () => readonly Error[]): void {
    for (const error of this.try([], work)) this.errors.push(error);
  }

  /** Answers undefined if `work` throws. */
  async tryAsync<T>(work: () => Promise<T> | T): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#keep(error);
      return undefined;
    }
  }

  #keep(error: unknown): void {
    if (error instanceof WouldBlock) throw error;
    this.errors.push(error as Error);
  }
}
