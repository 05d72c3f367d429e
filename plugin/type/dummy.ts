/** `dummy`: an interface that leads nowhere, for its addresses. */
import { hostLinkName } from "../names.ts";
import { macFor } from "./container.ts";
import type { LinkType } from "./index.ts";
import { insidePlan, making } from "./inside.ts";

export const dummy: LinkType = {
  plan(input) {
    const mac = macFor(input, hostLinkName(input.attachment));
    return insidePlan(input, [making(input, { type: "dummy" }, mac)], mac);
  },
};
