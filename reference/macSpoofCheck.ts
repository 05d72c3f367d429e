/**
 * macspoofchk of the reference's bridge (plugins/pkg/link/spoofcheck.go): two chains per container, and a rule in the
 * table's PREROUTING that sends frames from the container's port to the first.
 */
import type { Attachment } from "../conf/attachment.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { deleteChain, getChain } from "../netlink/nft/chain.ts";
import type { Expression } from "../netlink/nft/expr/expression.ts";
import { family } from "../netlink/nft/message.ts";
import { deleteRule, flushChain, listRules } from "../netlink/nft/rule.ts";
import type { Table } from "../netlink/nft/table.ts";
import { errno, isKernelError } from "../sys/errors.ts";
import { targetOf } from "./jumps.ts";
import { spoofChains } from "./names.ts";

const table: Table = { family: family.bridge, name: "nat" };
const baseChain = "PREROUTING";

/** Another DEL may remove some of it between reading and writing. */
const triesMost = 5;

/** Removes the chains by their names, and the jumps to them. Absent is success. */
export function removeSpoofCheck(attachment: Attachment, kernel: Kernel): void {
  for (let tries = 1; ; tries++) {
    const chains = chainsOf(attachment, kernel);
    if (chains.length === 0) return;
    const jumps = listRules(kernel.netfilter, table, baseChain).filter(({ expressions = [] }) =>
      expressions.some((one) => chains.includes(targetOf(one as Expression) ?? "")),
    );
    try {
      kernel.batch([
        ...jumps.flatMap(({ handle }) => (handle === undefined ? [] : [deleteRule(table, baseChain, handle)])),
        ...chains.map((name) => flushChain(table, name)),
        ...chains.map((name) => deleteChain(table, name)),
      ]);
      return;
    } catch (error) {
      if (!isKernelError(error, errno.ENOENT) || tries === triesMost) throw error;
    }
  }
}

export function hasSpoofCheck(attachment: Attachment, kernel: Kernel): boolean {
  return chainsOf(attachment, kernel).length > 0;
}

function chainsOf(attachment: Attachment, kernel: Kernel): string[] {
  return spoofChains(attachment).filter((name) => getChain(kernel.netfilter, table, name) !== undefined);
}
