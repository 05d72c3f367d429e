/** Jumps to chains of the reference's plugins, in the tables of iptables-nft. */
import type { Kernel } from "../kernel/kernel.ts";
import type { Expression } from "../netlink/nft/expr/expression.ts";
import { immediate } from "../netlink/nft/expr/verdict.ts";
import { listRules } from "../netlink/nft/rule.ts";

/** True if a rule of the chain `from` of the table `nat` jumps to the other. */
export function hasJump(from: string, to: string, family: number, kernel: Kernel): boolean {
  return listRules(kernel.netfilter, { family, name: "nat" }, from).some(({ expressions = [] }) =>
    expressions.some((one) => targetOf(one as Expression) === to),
  );
}

/** The chain that the expression leads to. */
export function targetOf({ name, data }: Expression): string | undefined {
  return name === "immediate" ? immediate.get(data).data?.verdict?.chain : undefined;
}
