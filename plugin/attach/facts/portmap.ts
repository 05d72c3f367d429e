/** Facts for `portmap`: whether the ports are free, and by which link of the host the container is reached. */
import { familiesIn } from "../../../conf/config/ipam.ts";
import type { Request } from "../../../conf/request.ts";
import type { Result } from "../../../conf/result/result.ts";
import { parseCidr } from "../../../ip/address.ts";
import { addressBytes } from "../../../ip/bytes.ts";
import type { Kernel } from "../../../kernel/kernel.ts";
import { bridgeKind } from "../../../netlink/route/kind/bridge.ts";
import { lookUpRoute } from "../../../netlink/route/route.ts";
import { containerAddresses } from "../../../plan/chain.ts";
import type { PortmapFacts } from "../../../plan/facts.ts";
import { refuseTaken } from "../../preflight/portsInUse.ts";
import { mayNeedFilters } from "./filters.ts";

/** Throws Fault (code.tryAgain) for a port in use. */
export function portmapFacts({ attachment, config, pluginPath }: Request, prev: Result, kernel: Kernel): PortmapFacts {
  const { portMappings: mappings } = config.features!;
  if (mappings.length === 0) return { through: undefined, ownLinks: [], mayFilter: true };
  const addresses = containerAddresses(attachment.ifname, prev);
  refuseTaken({ mappings, attachment, families: familiesIn(addresses) }, kernel);
  const [first] = addresses;
  return {
    through: first === undefined ? undefined : linkTowards(first, kernel),
    ownLinks: portsOf(prev, kernel),
    mayFilter: !mayNeedFilters(pluginPath),
  };
}

/** The interface of the host's route to an address. */
function linkTowards(cidr: string, kernel: Kernel): string | undefined {
  const index = lookUpRoute(kernel.route("host"), addressBytes(parseCidr(cidr)!))?.outIndex;
  return index === undefined ? undefined : kernel.linkByIndex(index)?.name;
}

/** Interfaces of the host in prevResult that are no bridges. */
function portsOf({ interfaces }: Result, kernel: Kernel): string[] {
  const names = interfaces.flatMap(({ name, sandbox }) => (sandbox === undefined ? [name] : []));
  return names.filter((name) => {
    const link = kernel.link("host", name);
    return link !== undefined && link.info?.kind !== bridgeKind;
  });
}
