/** fib: asks the routing tables for an address of the packet. NFTA_FIB_*. */
import { attributes, be32 } from "../../codec.ts";
import { type Expression, register } from "./expression.ts";

export const fib = attributes({ flags: [3, be32], result: [2, be32], destination: [1, be32] });

/** NFTA_FIB_F_SADDR, NFTA_FIB_F_DADDR, NFT_FIB_RESULT_ADDRTYPE. */
const ofSource = 1;
const ofDestination = 2;
const addressType = 3;

/** RTN_LOCAL, as `fib daddr type local` compares it: in the machine's byte order. */
export const localType = Uint8Array.of(2, 0, 0, 0);

/** `fib daddr type` into a register. */
export const loadDestinationType: Expression = {
  name: "fib",
  data: fib.put({ flags: ofDestination, result: addressType, destination: register.one }),
};

/** `fib saddr type` into a register. */
export const loadSourceType: Expression = {
  name: "fib",
  data: fib.put({ flags: ofSource, result: addressType, destination: register.one }),
};
