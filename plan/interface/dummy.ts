/** `dummy`: an interface that leads nowhere, for its addresses. */
import { hostLinkName } from "../../kernel/ownership.ts";
import { macFor } from "../container.ts";
import { insidePlan, making } from "../containerLink.ts";
import type { LinkType } from "../plan.ts";

export const dummy: LinkType = {
  plan(input) {
    const mac = macFor(input, hostLinkName(input.attachment));
    return insidePlan(input, [making(input, { type: "dummy" }, mac)], mac);
  },
};
