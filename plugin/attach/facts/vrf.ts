/** Facts for `vrf`: the interface, the VRF if it exists, and the tables in use. */
import type { Request } from "../../../conf/request.ts";
import type { Result } from "../../../conf/result/result.ts";
import type { Kernel } from "../../../kernel/kernel.ts";
import { vrf as vrfData, vrfKind } from "../../../netlink/route/kind/vrf.ts";
import { type Link, listLinks } from "../../../netlink/route/link.ts";
import type { VrfFacts } from "../../../plan/facts.ts";
import { containerRoutes } from "./containerRoutes.ts";

export function vrfFacts({ attachment: { ifname }, config }: Request, _prev: Result, kernel: Kernel): VrfFacts {
  const { vrfName, table } = config.link!;
  const link = kernel.link("container", ifname);
  const master = link?.master === undefined ? undefined : kernel.linkByIndex(link.master, "container")?.name;
  const found = kernel.link("container", vrfName!);
  const named = found && { kind: found.info?.kind ?? "device", table: tableOf(found) };
  const isFree = named === undefined && table === undefined;
  return {
    isPresent: link !== undefined,
    master,
    named,
    takenTables: new Set(isFree ? listLinks(kernel.route("container")).map(tableOf) : []),
    addresses: link ? kernel.addresses("container", ifname) : [],
    routes: link ? containerRoutes(ifname, kernel) : [],
  };
}

function tableOf({ info }: Link): number | undefined {
  return info?.kind === vrfKind && info.data ? vrfData.get(info.data).table : undefined;
}
