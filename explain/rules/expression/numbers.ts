/** Numbers in registers are in the machine's byte order, which is little-endian on every machine that Bun runs on. */

export const number32 = (value: number): Uint8Array => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);

export const number16 = (value: number): Uint8Array => Uint8Array.of(value, value >>> 8);

/** The first four bytes as a number. */
export const word = (bytes: Uint8Array, at = 0): number =>
  (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;

/** A port or another number of two bytes in network order. */
export const networkNumber16 = (bytes: Uint8Array, at = 0): number => (bytes[at]! << 8) | bytes[at + 1]!;
