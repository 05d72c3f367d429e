/** The registers of a rule: 64 bytes, and for each four bytes whether their content is known. */

const wordBytes = 4;

/** NFT_REG_1 to 4 have 16 bytes; NFT_REG32_00 (8) and on have 4, over the same storage. */
const startOf = (number: number): number => (number <= 4 ? 16 * (number - 1) : wordBytes * (number - 8));

export class Registers {
  readonly #bytes = new Uint8Array(80);
  /** Why a word is not known. */
  readonly #unknown: (string | undefined)[] = [];

  /** Fills the rest of the last word with zeros, as the kernel does. */
  write(register: number, value: Uint8Array): void {
    const start = startOf(register);
    const end = start + Math.ceil(value.length / wordBytes) * wordBytes;
    this.#bytes.fill(0, start, end).set(value, start);
    this.#note(start, end, undefined);
  }

  /** `why` names what is not known: `meta cpu`. */
  writeUnknown(register: number, length: number, why: string): void {
    const start = startOf(register);
    this.#note(start, start + length, why);
  }

  /** The bytes, or why one of them is not known. */
  read(register: number, length: number): Uint8Array | string {
    const start = startOf(register);
    for (let word = Math.floor(start / wordBytes); word * wordBytes < start + length; word++) {
      const why = this.#unknown[word];
      if (why !== undefined) return why;
    }
    return this.#bytes.slice(start, start + length);
  }

  #note(start: number, end: number, why: string | undefined): void {
    for (let word = Math.floor(start / wordBytes); word * wordBytes < end; word++) this.#unknown[word] = why;
  }
}
