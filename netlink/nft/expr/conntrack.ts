/** ct: loads what connection tracking knows of the packet's connection. NFTA_CT_*. */
import { attributes, be32 } from "../../codec.ts";
import { type Expression, register } from "./expression.ts";

export const conntrack = attributes({ key: [2, be32], destination: [1, be32] });

/** NFT_CT_STATE, NFT_CT_STATUS. */
export const conntrackKey = { state: 0, status: 2 } as const;

/**
 * IPS_DST_NAT: the destination was replaced. NF_CT_STATE_BIT of established and related, in the machine's byte order;
 * of a new connection as a number.
 */
export const connectionStatus = { destinationNat: Uint8Array.of(0x20, 0, 0, 0) } as const;
export const connectionState = { establishedOrRelated: Uint8Array.of(0x6, 0, 0, 0), new: 0x8 } as const;

export function loadConntrack(key: number, destination: number = register.one): Expression {
  return { name: "ct", data: conntrack.put({ key, destination }) };
}
