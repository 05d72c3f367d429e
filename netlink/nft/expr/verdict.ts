/** immediate: a verdict. NFTA_IMMEDIATE_*. */
import { attributes, be32, nest } from "../../codec.ts";
import { data, type Expression, register, verdictCode } from "./expression.ts";

export const immediate = attributes({ destination: [1, be32], data: [2, nest(data)] });

function verdict(code: number, chain?: string): Expression {
  return {
    name: "immediate",
    data: immediate.put({ destination: register.verdict, data: { verdict: { code: code >>> 0, chain } } }),
  };
}

export const accept = verdict(verdictCode.accept);
export const drop = verdict(verdictCode.drop);
export const leave = verdict(verdictCode.return);
export const jump = (chain: string): Expression => verdict(verdictCode.jump, chain);
