/** Facts for `sbr`: the interface's routes, and the tables in use. */
import type { Request } from "../../../conf/request.ts";
import type { Result } from "../../../conf/result/result.ts";
import type { Kernel } from "../../../kernel/kernel.ts";
import { listRoutes } from "../../../netlink/route/route.ts";
import { listRules } from "../../../netlink/route/rule.ts";
import { addressesOf } from "../../../plan/chain.ts";
import type { SbrFacts } from "../../../plan/facts.ts";
import { containerRoutes } from "./containerRoutes.ts";

export function sbrFacts({ attachment, config }: Request, prev: Result, kernel: Kernel): SbrFacts {
  const isNeeded = addressesOf(attachment.ifname, prev).length > 0; // the plan refuses an interface without addresses
  // With a configured table, the plugin before has already put the routes there.
  if (!isNeeded || config.link!.table !== undefined) return { routes: [], takenTables: new Set() };
  const routes = containerRoutes(attachment.ifname, kernel);
  const socket = kernel.route("container");
  const all = [...listRules(socket), ...listRoutes(socket, 2), ...listRoutes(socket, 10)];
  return { routes, takenTables: new Set(all.map(({ table }) => table)) };
}
