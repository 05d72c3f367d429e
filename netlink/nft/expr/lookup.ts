/**
 * lookup: looks up a register's value in a set; in a map, loads the element's value into another register.
 * NFTA_LOOKUP_*.
 */
import { attributes, be32, text } from "../../codec.ts";
import { type Expression, register } from "./expression.ts";

export const lookup = attributes({ source: [2, be32], destination: [3, be32], set: [1, text], setId: [4, be32] });

/** The kernel writes them even if the rule was created without, so they are not compared. */
const lookupFlags = attributes({ flags: [5, be32] });

/** NFT_LOOKUP_F_INV: the rule ends if the set has the element. */
export function isInverted(data: Uint8Array): boolean {
  return ((lookupFlags.get(data).flags ?? 0) & 1) !== 0;
}

/** Ends the rule if the set does not have the element. `id` names a set that is created in the same batch. */
export function lookUp(set: string, id: number, source: number = register.one): Expression {
  return { name: "lookup", data: lookup.put({ source, set, setId: id }) };
}

/** As `lookUp`, and loads the element's value into a register. */
export function lookUpValue(set: string, id: number, source: number, destination: number): Expression {
  return { name: "lookup", data: lookup.put({ source, destination, set, setId: id }) };
}
