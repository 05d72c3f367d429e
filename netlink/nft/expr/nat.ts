/** nat: replaces the destination of a connection by an address and a port in registers. NFTA_NAT_*. */
import { attributes, be32 } from "../../codec.ts";
import type { Expression } from "./expression.ts";

export const nat = attributes({ type: [1, be32], family: [2, be32], address: [3, be32], port: [5, be32] });

/** NFT_NAT_DNAT. */
const destination = 1;

/** `dnat ip to ADDRESS:PORT`; `address` and `port` are registers. */
export function destinationNat(family: number, address: number, port: number): Expression {
  return { name: "nat", data: nat.put({ type: destination, family, address, port }) };
}
