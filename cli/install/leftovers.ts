/** Cleans the kernel when the plugin is removed: removes what no attachment uses, and names what stays. */

import { type Kernel, openKernel } from "../../kernel/kernel.ts";
import { closedGroup, isOurGroup } from "../../kernel/ownership.ts";
import { family } from "../../netlink/nft/message.ts";
import { hasTable } from "../../netlink/nft/table.ts";
import { bridgeKind } from "../../netlink/route/kind/bridge.ts";
import { type Link, listLinks } from "../../netlink/route/link.ts";
import { bridgeTable } from "../../step/nft/macSpoofCheck.ts";
import { table } from "../../step/nft/table.ts";
import { shellWord } from "../../step/shellWords.ts";
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
  const links = listLinks(kernel.route("host"));
  const bridges = links.filter(({ group = 0, info }) => isOurGroup(group) && info?.kind === bridgeKind);
  const opened = links.filter(({ families }) => families?.inet?.routeLocalnet === 1);
  return [
    ...bridges.map((one) =>
      one.group === closedGroup() && opened.length > 0
        ? leftClosed(one, opened)
        : left(`bridge ${one.name}`, `ip link del ${one.name}`),
    ),
    ...[table, bridgeTable]
      .filter((one) => isThere(one, kernel))
      .map((one) => `${one.family === family.bridge ? "bridge" : "inet"} ${one.name}`)
      .map((words) => left(`nf_tables table ${words}`, `nft delete table ${words}`)),
  ];
}

/**
 * A bridge that ns-net did not create keeps route_localnet: another program may count on it by now. Containers there stay
 * away from the host's 127.0.0.1 by filters that lead to this link.
 */
function leftClosed({ name = "" }: Link, opened: readonly Link[]): string {
  const those = opened.map(({ name = "" }) => name);
  const settings = those.map((link) => `net.ipv4.conf.${link.replaceAll(".", "/")}.route_localnet=0`);
  const have = `${those.join(" and ")} ${those.length === 1 ? "has" : "have"}`;
  return (
    `left bridge ${name}: ${have} route_localnet for published ports, and it keeps containers there from the host's 127.0.0.1; ` +
    `when no published port is called at 127.0.0.1: sysctl -w ${settings.map(shellWord).join(" ")} && ip link del ${name}`
  );
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
