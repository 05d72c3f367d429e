/** payload: loads bytes of the packet into a register. NFTA_PAYLOAD_*. */
import { attributes, be32 } from "../../codec.ts";
import { type Expression, register } from "./expression.ts";

/** NFT_PAYLOAD_*_HEADER. */
export const payloadBase = { link: 0, network: 1, transport: 2 } as const;

export const payload = attributes({ destination: [1, be32], base: [2, be32], offset: [3, be32], length: [4, be32] });

/** `length` bytes at `offset` of a header. */
export function loadPayload(
  base: number,
  offset: number,
  length: number,
  destination: number = register.one,
): Expression {
  return { name: "payload", data: payload.put({ destination, base, offset, length }) };
}
