/** `vlan`: an interface that sends and receives one VLAN of its master. */

import { containerLinkPlan, making, refuseMaster } from "../containerLink.ts";
import type { InterfaceType } from "../plan.ts";

export const vlan: InterfaceType = {
  plan(input) {
    const mac = input.facts.below!.link!.address!;
    return containerLinkPlan(input, [making(input, { type: "vlan", id: input.config.link!.vlanId }, mac, true)], mac);
  },
  // Unlike the others it may be on a port of a bridge: the kernel looks for a tag before the bridge gets the frame.
  refuse: (config, facts) => refuseMaster(config, facts, true),
};
