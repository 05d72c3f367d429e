/** Facts for `firewall`: whether firewalld runs, and the bridge that the plugin before attached to. */
import type { ChainKeys } from "../../../conf/config/config.ts";
import type { Request } from "../../../conf/request.ts";
import type { Result } from "../../../conf/result/result.ts";
import type { Kernel } from "../../../kernel/kernel.ts";
import { bridgeKind } from "../../../netlink/route/kind/bridge.ts";
import type { FirewallFacts } from "../../../plan/facts.ts";
import defer * as zones from "../../../step/firewalld/zones.ts";
import defer * as ingressPolicy from "../../../step/nft/ingressPolicy.ts";

export function firewallFacts({ config }: Request, { interfaces }: Result, kernel: Kernel): FirewallFacts {
  const features = config.features!;
  const isByFirewalld = runsFirewalld(features);
  if (features.ingressPolicy === undefined) return { isByFirewalld, bridge: undefined, gateway: undefined, ports: [] };
  const hosts = interfaces.flatMap(({ name, sandbox }) => (sandbox ? [] : [name]));
  const bridge = hosts.find((name) => kernel.link("host", name)?.info?.kind === bridgeKind);
  if (bridge === undefined) return { isByFirewalld, bridge, gateway: undefined, ports: [] };
  const gateway = hosts.find((name) => name.startsWith(`${bridge}.`) && kernel.link("host", name) !== undefined);
  if (features.ingressPolicy !== "isolated") return { isByFirewalld, bridge, gateway, ports: [] };
  const ports = ingressPolicy
    .portsOfBridge(bridge, kernel)
    .flatMap(({ name = "" }) => (hosts.includes(name) ? [name] : []));
  return { isByFirewalld, bridge, gateway, ports };
}

function runsFirewalld({ backend }: ChainKeys): boolean {
  if (backend !== undefined) return backend === "firewalld";
  return zones.firewalldRuns();
}
