/** `ipvlan`: an interface that shares its master's hardware address; the kernel distinguishes it by IP addresses. */

import { containerLinkPlan, making, refuseMaster } from "../containerLink.ts";
import type { InterfaceType } from "../plan.ts";

export const ipvlan: InterfaceType = {
  plan(input) {
    const mac = input.facts.lower!.link!.address!;
    const { mode = "l2" } = input.config.link!;
    return containerLinkPlan(input, [making(input, { type: "ipvlan", mode }, mac, true)], mac);
  },
  refuse: refuseMaster,
};
