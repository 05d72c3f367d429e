/** Elements of sets whose comment is the mark of their attachment (ownerMark), by which they are removed. */

import type { Kernel } from "../../kernel/kernel.ts";
import { isMarkOf } from "../../kernel/ownership.ts";
import type { Message } from "../../netlink/message.ts";
import { deleteElements, listElements } from "../../netlink/nft/element.ts";
import type { SetShape } from "../../netlink/nft/set.ts";
import type { Table } from "../../netlink/nft/table.ts";
import { errno, tolerating } from "../../sys/errors.ts";

export type IsMeant = (mark: string) => boolean;

/** For GC: true for marks of a network's attachments whose link is not `kept`. */
export function unowned(network: string, kept: ReadonlySet<string>): IsMeant {
  return (mark) => isMarkOf(network, mark) && !kept.has(mark.split(" ")[0]!);
}

/** The messages that remove them; none if there are no such elements. */
export function removalOf(table: Table, sets: readonly SetShape[], isMeant: IsMeant, kernel: Kernel): Message[] {
  return sets.flatMap(({ name }) => {
    const keys = listElements(kernel.netfilter, table, name).flatMap((one) =>
      isMeant(one.comment ?? "") ? [one.key] : [],
    );
    return deleteElements(table, name, keys);
  });
}

export function removeMarked(table: Table, sets: readonly SetShape[], isMeant: IsMeant, kernel: Kernel): void {
  const messages = removalOf(table, sets, isMeant, kernel);
  if (messages.length === 0) return;
  tolerating(() => kernel.batch(messages), errno.ENOENT); // another DEL was first
}
