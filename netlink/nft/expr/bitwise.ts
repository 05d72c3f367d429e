/** bitwise: (register & mask) ^ xor. NFTA_BITWISE_*. */
import { attributes, be32, nest } from "../../codec.ts";
import { data, type Expression, register } from "./expression.ts";

export const bitwise = attributes({
  source: [1, be32],
  destination: [2, be32],
  length: [3, be32],
  operation: [6, be32],
  mask: [4, nest(data)],
  xor: [5, nest(data)],
});

/** NFT_BITWISE_MASK_XOR (called NFT_BITWISE_BOOL in older headers). */
const maskXor = 0;

/** Keeps the bits of `mask`. */
export function keepBits(mask: Uint8Array, at: number = register.one): Expression {
  return {
    name: "bitwise",
    data: bitwise.put({
      source: at,
      destination: at,
      length: mask.length,
      operation: maskXor,
      mask: { value: mask },
      xor: { value: new Uint8Array(mask.length) },
    }),
  };
}
