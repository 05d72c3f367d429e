/** counter: counts packets and bytes. iptables expects one in every rule. NFTA_COUNTER_*. */
import { attributes, be64 } from "../../codec.ts";
import type { Expression } from "./expression.ts";

const attributesOfCounter = attributes({ bytes: [1, be64], packets: [2, be64] });

export const counter: Expression = { name: "counter", data: attributesOfCounter.put({ bytes: 0n, packets: 0n }) };
