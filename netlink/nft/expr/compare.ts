/** cmp: compares a register with a value. If it does not hold, the rule ends. NFTA_CMP_*. */
import { attributes, be32, nest } from "../../codec.ts";
import { data, type Expression, register } from "./expression.ts";

/** NFT_CMP_*. */
const operator = { equal: 0, notEqual: 1, atMost: 3, atLeast: 5 } as const;

export const compare = attributes({ source: [1, be32], operator: [2, be32], data: [3, nest(data)] });

export function equals(value: Uint8Array, source: number = register.one): Expression {
  return { name: "cmp", data: compare.put({ source, operator: operator.equal, data: { value } }) };
}

export function differs(value: Uint8Array, source: number = register.one): Expression {
  return { name: "cmp", data: compare.put({ source, operator: operator.notEqual, data: { value } }) };
}

export function isAtMost(value: Uint8Array, source: number = register.one): Expression {
  return { name: "cmp", data: compare.put({ source, operator: operator.atMost, data: { value } }) };
}

/** From `first` to `last`, as nft writes `10000-20000`. */
export function between(first: Uint8Array, last: Uint8Array, source: number = register.one): Expression[] {
  return [
    { name: "cmp", data: compare.put({ source, operator: operator.atLeast, data: { value: first } }) },
    isAtMost(last, source),
  ];
}
