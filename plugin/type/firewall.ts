/** `firewall`: lets a container's packets through where the host drops what it forwards, and keeps others' out where asked to. */
import { badConfig } from "../../conf/fault.ts";
import { type ChainedInput, type ChainedType, containerAddresses } from "../chained.ts";
import { portsOfBridge } from "../step/guard.ts";
import type { Step } from "../step/index.ts";

const adminChain = "CNI-ADMIN";

export const firewall: ChainedType = {
  plan(input) {
    const { attachment, features, prev } = input;
    const addresses = containerAddresses(attachment.ifname, prev).map((cidr) => cidr.replace(/\/.*/, ""));
    const accept: Step = { kind: "accept", attachment, addresses, adminChain: features.adminChain ?? adminChain };
    return { steps: [...guardSteps(input), ...(addresses.length > 0 ? [accept] : [])], result: prev };
  },

  removals: (attachment) => [{ kind: "accept", attachment }],
};

function guardSteps({
  attachment: { network },
  features: { ingressPolicy: policy },
  prev,
  kernel,
}: ChainedInput): Step[] {
  if (policy === undefined) return [];
  const hosts = prev.interfaces.flatMap(({ name, sandbox }) => (sandbox ? [] : [name]));
  const bridge = hosts.find((name) => kernel.link("host", name)?.info?.kind === "bridge");
  if (bridge === undefined) {
    throw badConfig(
      "ingressPolicy",
      policy,
      "open, or the plugin before one that attaches to a bridge and says so in its result",
    );
  }
  const guard: Step = { kind: "guard", network, bridge, policy };
  if (policy !== "isolated") return [guard];
  const ports = portsOfBridge(bridge, kernel).filter(({ name = "" }) => hosts.includes(name));
  return [guard, ...ports.map(({ name = "" }): Step => ({ kind: "bridgePort", link: name, isolated: true }))];
}
