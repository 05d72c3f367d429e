/** Facts for a bridge whose port is an interface that another plugin left on the host. */
import type { Request } from "../../../conf/request.ts";
import type { Result } from "../../../conf/result/result.ts";
import type { Kernel } from "../../../kernel/kernel.ts";
import { bridgeKind } from "../../../netlink/route/kind/bridge.ts";
import type { HostPortFacts } from "../../../plan/facts.ts";
import { interfaceFacts } from "./interface.ts";

export function hostPortFacts(request: Request, prev: Result, kernel: Kernel): HostPortFacts {
  const offered = prev.interfaces.flatMap(({ name, sandbox }) => (sandbox ? [] : [name]));
  const links = offered.flatMap((name) => kernel.link("host", name) ?? []);
  const link = links.find(({ info }) => info?.kind !== bridgeKind);
  const master = link?.master ? kernel.linkByIndex(link.master)?.name : undefined;
  const found = link?.name === undefined ? undefined : { name: link.name, master };
  return { offered, found, bridge: interfaceFacts(request, kernel) };
}
