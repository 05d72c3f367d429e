/** `macvlan`: an interface with its own hardware address, on the network of an interface of the host. */
import { code, Fault } from "../../conf/fault.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import { macFor } from "../container.ts";
import { containerLinkPlan, making, refuseMaster } from "../containerLink.ts";
import type { InterfaceType, PlanInput } from "../plan.ts";

export const macvlan: InterfaceType = {
  plan(input) {
    const { mode = "bridge", bcqueuelen } = input.config.link!;
    const isPassthru = mode === "passthru";
    const mac = isPassthru ? input.facts.lower!.link!.address! : macOn(input);
    const settings = { type: "macvlan", mode, ...(bcqueuelen && { bcqueuelen }) } as const;
    return containerLinkPlan(input, [making(input, settings, mac, isPassthru)], mac);
  },

  refuse(config, facts) {
    refuseMaster(config, facts);
    const { mac, link } = config;
    if (link!.mode !== "passthru" || mac === undefined || mac === facts.lower!.link!.address) return;
    throw new Fault(
      code.config,
      `Cannot use mac = ${JSON.stringify(mac)} with mode = "passthru"`,
      `In this mode the interface has its master's, ${facts.lower!.link!.address}; leave mac out`,
    );
  },
};

/** Without an IP address it is derived from the master's hardware address, too, because other hosts are on the network. */
function macOn(input: PlanInput): string {
  const { attachment, facts } = input;
  return macFor(input, `${facts.lower!.link!.address} ${hostLinkName(attachment)}`);
}
