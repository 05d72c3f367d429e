/** masq: the source becomes the address of the interface the packet leaves by. NFTA_MASQ_*. */
import type { Expression } from "./expression.ts";

export const masquerade: Expression = { name: "masq", data: new Uint8Array(0) };
