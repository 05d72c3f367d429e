/** `vlan`: an interface that sends and receives one VLAN of its master. */

import { containerLinkPlan, making, refuseMaster } from "../containerLink.ts";
import type { InterfaceType } from "../plan.ts";

export const vlan: InterfaceType = {
  plan(input) {
    const mac = input.facts.lower!.link!.address!;
    return containerLinkPlan(input, [making(input, { type: "vlan", id: input.config.link!.vlanId }, mac, true)], mac);
  },
  // Its master may be a port of a bridge: the kernel handles the tag before the bridge gets the frame.
  refuse: (config, facts) => refuseMaster(config, facts, true),
};
