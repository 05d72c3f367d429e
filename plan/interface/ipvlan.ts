/** `ipvlan`: an interface that shares its master's hardware address, told apart by its IP addresses. */

import { insidePlan, making, refuseMaster } from "../containerLink.ts";
import type { LinkType } from "../plan.ts";

export const ipvlan: LinkType = {
  plan(input) {
    const mac = input.facts.below!.link!.address!;
    const { mode = "l2" } = input.config.link!;
    return insidePlan(input, [making(input, { type: "ipvlan", mode }, mac, true)], mac);
  },
  refuse: refuseMaster,
};
