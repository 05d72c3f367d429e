/** Fields of a C structure that iptables hands to the kernel, in the machine's byte order. */

export type Structure = Uint8Array;

/** Two bytes. */
export const half = (info: Structure, at: number): number => info[at]! | (info[at + 1]! << 8);
