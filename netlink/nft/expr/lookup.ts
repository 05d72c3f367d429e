/** lookup: is a register's value in a set; with a map, what it leads to goes into another register. NFTA_LOOKUP_*. */
import { attributes, be32, text } from "../../codec.ts";
import { type Expression, register } from "./expression.ts";

export const lookup = attributes({ source: [2, be32], destination: [3, be32], set: [1, text], setId: [4, be32] });

/** The kernel tells them also where nobody gave any, so they are no part of what is compared. */
const lookupFlags = attributes({ flags: [5, be32] });

/** NFT_LOOKUP_F_INV: the rule ends where the set has such an element. */
export function isInverted(data: Uint8Array): boolean {
  return ((lookupFlags.get(data).flags ?? 0) & 1) !== 0;
}

/** The rule ends where the set has no such element. `id` names a set that is made in the same batch. */
export function lookUp(set: string, id: number, source: number = register.one): Expression {
  return { name: "lookup", data: lookup.put({ source, set, setId: id }) };
}

/** As `lookUp`, and the value of the map into a register. */
export function lookUpValue(set: string, id: number, source: number, destination: number): Expression {
  return { name: "lookup", data: lookup.put({ source, destination, set, setId: id }) };
}
