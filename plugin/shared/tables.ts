/** Removes our tables of nf_tables, which a host has once, and the link that is never up, when no attachment of ours is left. */

import { isOfOthers } from "../../ipam/hostLocal/adopted.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { closedGroup, isOurGroup, masqueradePrefix } from "../../kernel/ownership.ts";
import { listChains } from "../../netlink/nft/chain.ts";
import { listElements } from "../../netlink/nft/element.ts";
import { deleteTable, hasTable } from "../../netlink/nft/table.ts";
import { bridgeKind } from "../../netlink/route/kind/bridge.ts";
import { deleteLink, type Link, listLinks } from "../../netlink/route/link.ts";
import { guardedSet } from "../../step/nft/ingressPolicy.ts";
import { bridgeTable } from "../../step/nft/macSpoofCheck.ts";
import { table } from "../../step/nft/table.ts";
import { publishedPorts } from "../../step/ports/elements.ts";
import type { Store } from "../../store/store.ts";
import { errno, tolerating } from "../../sys/errors.ts";

/** For a caller that keeps ADDs from beginning: ADD reads the rules after it has written its entry. */
export function removeTables(store: Store | undefined, kernel: Kernel): void {
  const tables = [table, bridgeTable].filter((one) => hasTable(kernel.netfilter, one));
  const links = listLinks(kernel.route("host"));
  const closed = links.filter(({ group }) => group === closedGroup());
  if (tables.length + closed.length === 0 || isUsed(links, kernel) || (store && needsTables(store))) return;
  for (const one of tables) tolerating(() => kernel.batch([deleteTable(one)]), errno.ENOENT);
  // While a bridge that ns-net did not create has route_localnet, the filters of its ports lead to this link.
  if (links.some(({ families }) => families?.inet?.routeLocalnet === 1)) return;
  for (const link of closed) tolerating(() => kernel.request("host", deleteLink(link)), errno.ENODEV);
}

/** Attachments of other plugins, which ns-net took over, have rules of their own. */
function needsTables(store: Store): boolean {
  return !store.isEmpty() && (store.chainedRecordsOf().length > 0 || !store.entries().every(isOfOthers));
}

/**
 * By a link of ours, or by rules for another plugin's container that a lost store no longer has. A bridge of ours may have
 * ports of other plugins alone, which keep it.
 */
function isUsed(links: readonly Link[], kernel: Kernel): boolean {
  return (
    links.some(({ group = 0, info }) => isOurGroup(group) && info?.kind !== bridgeKind) ||
    listChains(kernel.netfilter, table).some(({ name = "" }) => name.startsWith(masqueradePrefix)) ||
    publishedPorts(kernel).length > 0 ||
    listElements(kernel.netfilter, table, guardedSet.name).length > 0
  );
}
