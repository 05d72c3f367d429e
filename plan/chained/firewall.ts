/** `firewall`: lets a container's packets through where the host drops what it forwards, and keeps others' out where asked to. */

import type { ChainKeys } from "../../conf/config/config.ts";
import { badConfig } from "../../conf/fault.ts";
import { bridgeKind } from "../../netlink/route/kind/bridge.ts";
import { zoneSteps } from "../../step/firewalld/source.ts";
import defer * as zones from "../../step/firewalld/zones.ts";
import type { Step } from "../../step/index.ts";
import defer * as ingressPolicy from "../../step/nft/ingressPolicy.ts";
import { type ChainedInput, type ChainedType, containerAddresses } from "../chain.ts";

const adminChain = "CNI-ADMIN";

export const firewall: ChainedType = {
  plan(input) {
    const { attachment, features, prev } = input;
    const addresses = containerAddresses(attachment.ifname, prev).map((cidr) => cidr.replace(/\/.*/, ""));
    const accept: Step = {
      kind: "forwardAccept",
      attachment,
      addresses,
      adminChain: features.adminChain ?? adminChain,
    };
    const open = isByFirewalld(features) ? zoneSteps(features.zone, addresses) : addresses.length > 0 ? [accept] : [];
    return { steps: [...guardSteps(input), ...open], result: prev };
  },

  leftovers: ["forwardAccept", "firewalldZone"],
};

/** What firewalld rejects, no rule of another table lets through. */
function isByFirewalld({ backend }: ChainKeys): boolean {
  if (backend !== undefined) return backend === "firewalld";
  return zones.firewalldRuns();
}

function guardSteps({
  attachment: { network },
  features: { ingressPolicy: policy },
  prev,
  kernel,
}: ChainedInput): Step[] {
  if (policy === undefined) return [];
  const hosts = prev.interfaces.flatMap(({ name, sandbox }) => (sandbox ? [] : [name]));
  const bridge = hosts.find((name) => kernel.link("host", name)?.info?.kind === bridgeKind);
  if (bridge === undefined) {
    throw badConfig(
      "ingressPolicy",
      policy,
      "open, or the plugin before one that attaches to a bridge and says so in its result",
    );
  }
  // A VLAN's packets come and go by its gateway.
  const gateway = hosts.find((name) => name.startsWith(`${bridge}.`) && kernel.link("host", name) !== undefined);
  const guard: Step = { kind: "ingressPolicy", network, bridge: gateway ?? bridge, policy };
  if (policy !== "isolated") return [guard];
  const ports = ingressPolicy.portsOfBridge(bridge, kernel).filter(({ name = "" }) => hosts.includes(name));
  return [guard, ...ports.map(({ name = "" }): Step => ({ kind: "bridgePort", link: name, isolated: true }))];
}
