/** numgen with random numbers (NFTA_NG_*), and the byte order in which numbers are compared (NFTA_BYTEORDER_*). */
import { attributes, be32 } from "../../codec.ts";
import { isAtMost } from "./compare.ts";
import { type Expression, register } from "./expression.ts";

export const numgen = attributes({ destination: [1, be32], modulus: [2, be32], kind: [3, be32] });
/** NFT_NG_RANDOM */
const random = 1;

export const byteOrder = attributes({
  ...{ source: [1, be32], destination: [2, be32], operation: [3, be32], length: [4, be32], size: [5, be32] },
} as const);
/** NFT_BYTEORDER_HTON */
const toNetwork = 1;

/** Holds for `some` of `all` packets at random: `numgen random mod 10000 <= 99`. */
export function byChance(some: number, all: number): Expression[] {
  const destination = register.one;
  const last = new Uint8Array(4);
  new DataView(last.buffer).setUint32(0, some - 1);
  return [
    { name: "numgen", data: numgen.put({ destination, modulus: all, kind: random }) },
    {
      name: "byteorder",
      data: byteOrder.put({ source: destination, destination, operation: toNetwork, length: 4, size: 4 }),
    },
    isAtMost(last),
  ];
}
