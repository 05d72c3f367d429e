/** `dummy`: an interface that only has addresses. */
import { hostLinkName } from "../../kernel/linkNames.ts";
import { macFor } from "../container.ts";
import { containerLinkPlan, making } from "../containerLink.ts";
import type { InterfaceType } from "../plan.ts";

export const dummy: InterfaceType = {
  plan(input) {
    const mac = macFor(input, hostLinkName(input.attachment));
    return containerLinkPlan(input, [making(input, { type: "dummy" }, mac)], mac);
  },
};
