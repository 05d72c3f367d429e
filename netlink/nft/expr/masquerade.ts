/** masq: replaces the source by the address of the interface that the packet leaves by. NFTA_MASQ_*. */
import type { Expression } from "./expression.ts";

export const masquerade: Expression = { name: "masq", data: new Uint8Array(0) };
