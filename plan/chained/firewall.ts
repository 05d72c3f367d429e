/** `firewall`: accepts a container's packets on a host that drops forwarded ones, and isolates its bridge by an ingressPolicy. */

import { badConfig } from "../../conf/fault.ts";
import { withoutPrefix } from "../../ip/address.ts";
import { zoneSteps } from "../../step/firewalld/source.ts";
import type { Step } from "../../step/index.ts";
import { type ChainedInput, type ChainedType, containerAddresses } from "../chain.ts";
import type { FirewallFacts } from "../facts.ts";

const adminChain = "CNI-ADMIN";

export const firewall: ChainedType<FirewallFacts> = {
  plan(input) {
    const { attachment, features, prev, facts } = input;
    const addresses = containerAddresses(attachment.ifname, prev).map(withoutPrefix);
    const accept: Step = {
      kind: "forwardAccept",
      attachment,
      addresses,
      adminChain: features.adminChain ?? adminChain,
    };
    const open = facts.isByFirewalld ? zoneSteps(features.zone, addresses) : addresses.length > 0 ? [accept] : [];
    return { steps: [...policySteps(input), ...open], result: prev };
  },

  leftovers: ["forwardAccept", "firewalldZone"],
};

function policySteps({
  attachment: { network },
  features: { ingressPolicy: policy },
  facts,
}: ChainedInput<FirewallFacts>): Step[] {
  if (policy === undefined) return [];
  const { bridge, gateway, ports } = facts;
  if (bridge === undefined) {
    throw badConfig(
      "ingressPolicy",
      policy,
      "open, unless a plugin before firewall attaches to a bridge and names it in its result",
    );
  }
  const guard: Step = { kind: "ingressPolicy", network, bridge: gateway ?? bridge, policy };
  if (policy !== "isolated") return [guard];
  return [guard, ...ports.map((link): Step => ({ kind: "bridgePort", link, isolated: true }))];
}
