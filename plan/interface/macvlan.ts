/** `macvlan`: an interface with a hardware address of its own on the network that an interface of the host is on. */
import { code, Fault } from "../../conf/fault.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import { macFor } from "../container.ts";
import { containerLinkPlan, making, refuseMaster } from "../containerLink.ts";
import type { InterfaceType, PlanInput } from "../plan.ts";

export const macvlan: InterfaceType = {
  plan(input) {
    const { mode = "bridge", bcqueuelen } = input.config.link!;
    const isPassthru = mode === "passthru";
    const mac = isPassthru ? input.facts.below!.link!.address! : macOn(input);
    const settings = { type: "macvlan", mode, ...(bcqueuelen && { bcqueuelen }) } as const;
    return containerLinkPlan(input, [making(input, settings, mac, isPassthru)], mac);
  },

  refuse(config, facts) {
    refuseMaster(config, facts);
    const { mac, link } = config;
    if (link!.mode !== "passthru" || mac === undefined || mac === facts.below!.link!.address) return;
    throw new Fault(
      code.config,
      `Cannot use mac = ${JSON.stringify(mac)} with mode = "passthru"`,
      `In this mode the interface has its master's, ${facts.below!.link!.address}; leave mac out`,
    );
  },
};

/** Other hosts are on the same network: without an address it follows from the master's, too, which no other host has. */
function macOn(input: PlanInput): string {
  const { attachment, facts } = input;
  return macFor(input, `${facts.below!.link!.address} ${hostLinkName(attachment)}`);
}
