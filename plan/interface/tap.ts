/** `tap`: an interface whose other end a program holds, such as a virtual machine. */

import { hostLinkName } from "../../kernel/linkNames.ts";
import { containerLinkGroup } from "../../kernel/ownership.ts";
import type { Step } from "../../step/index.ts";
import { macFor } from "../container.ts";
import { containerLinkPlan } from "../containerLink.ts";
import type { InterfaceType } from "../plan.ts";

export const tap: InterfaceType = {
  plan(input) {
    const { attachment, config, facts } = input;
    const { ifname } = attachment;
    const { multiQueue, owner, group: openGroup, bridge } = config.link!;
    const mac = macFor(input, hostLinkName(attachment));
    const steps: Step[] = [
      {
        ...{ kind: "tap", ifname, multiQueue, mac, mtu: facts.interfaceMtu, owner, openGroup },
        group: containerLinkGroup(attachment.network),
      },
      ...(bridge ? [{ kind: "member", link: ifname, master: bridge } as const] : []),
    ];
    return containerLinkPlan(input, steps, mac);
  },
};
