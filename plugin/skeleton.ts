/** Our tables of nf_tables: chains and sets that stand once a host, whoever is attached. They go when nobody is. */
import type { Store } from "../ipam/store.ts";
import { errno } from "../netlink/errors.ts";
import { listChains } from "../netlink/nft/chain.ts";
import { listElements } from "../netlink/nft/element.ts";
import { deleteTable, hasTable } from "../netlink/nft/table.ts";
import { listLinks } from "../netlink/route/link.ts";
import { ignoring } from "./condemn.ts";
import type { Kernel } from "./kernel.ts";
import { isOurGroup, masqueradePrefix } from "./names.ts";
import { guardedSet } from "./step/guard.ts";
import { publishedPorts } from "./step/portElements.ts";
import { bridgeTable } from "./step/spoofCheck.ts";
import { table } from "./table.ts";

/** To be called while no ADD can begin: one looks for its rules when its entry is written. */
export function removeSkeleton(store: Store | undefined, kernel: Kernel): void {
  const tables = [table, bridgeTable].filter((one) => hasTable(kernel.netfilter, one));
  if (tables.length === 0 || store?.isEmpty() === false || isUsed(kernel)) return;
  for (const one of tables) ignoring(errno.ENOENT, () => kernel.batch([deleteTable(one)]));
}

/** By a link of ours, or by rules for another plugin's container of which the store has lost all memory. */
function isUsed(kernel: Kernel): boolean {
  return (
    listLinks(kernel.route("host")).some(({ group = 0 }) => isOurGroup(group)) ||
    listChains(kernel.netfilter, table).some(({ name = "" }) => name.startsWith(masqueradePrefix)) ||
    publishedPorts(kernel).length > 0 ||
    listElements(kernel.netfilter, table, guardedSet.name).length > 0
  );
}
