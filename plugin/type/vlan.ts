/** `vlan`: an interface that sends and receives one VLAN of its master. */
import type { LinkType } from "./index.ts";
import { insidePlan, making, refuseMaster } from "./inside.ts";

export const vlan: LinkType = {
  plan(input) {
    const mac = input.facts.below!.link!.address!;
    return insidePlan(input, [making(input, { type: "vlan", id: input.config.link!.vlanId }, mac, true)], mac);
  },
  refuse: refuseMaster,
};
