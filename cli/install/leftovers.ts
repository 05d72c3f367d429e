/** Cleans the kernel when the plugin is removed: removes what no attachment uses, and names what stays. */

import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { isOurGroup } from "../../kernel/ownership.ts";
import { family } from "../../netlink/nft/message.ts";
import { hasTable } from "../../netlink/nft/table.ts";
import { bridgeKind } from "../../netlink/route/kind/bridge.ts";
import { listLinks } from "../../netlink/route/link.ts";
import { bridgeTable } from "../../step/nft/macSpoofCheck.ts";
import { table } from "../../step/nft/table.ts";
import { collectAll, linesOf } from "../collect.ts";

/**
 * Removes bridges and rules of networks without attachments, as gc does, because no plugin is left that could. Leaves to
 * other plugins what they made.
 */
export async function removedUnused(dataDir: string): Promise<string[]> {
  const { collected, errors } = await collectAll(dataDir, { sparesReserved: true });
  return [...linesOf(collected, "removed"), ...errors.map(({ message }) => `could not remove everything: ${message}`)];
}

/** Things of existing attachments, or of another store. */
export function leftInUse(): string[] {
  using kernel = openKernel();
  const bridges = listLinks(kernel.route("host")).filter(
    ({ group = 0, info }) => isOurGroup(group) && info?.kind === bridgeKind,
  );
  return [
    ...bridges.map(({ name }) => left(`bridge ${name}`, `ip link del ${name}`)),
    ...[table, bridgeTable]
      .filter((one) => isThere(one, kernel))
      .map((one) => `${one.family === family.bridge ? "bridge" : "inet"} ${one.name}`)
      .map((words) => left(`nf_tables table ${words}`, `nft delete table ${words}`)),
  ];
}

function isThere(one: typeof table, kernel: Kernel): boolean {
  try {
    return hasTable(kernel.netfilter, one);
  } catch {
    return false; // the kernel has no nf_tables
  }
}

function left(what: string, command: string): string {
  return `left ${what}: attachments use it, or another store does; when none does: ${command}`;
}
