/** `host-device`: an interface of the host, lent to the container. */
import { code, Fault } from "../../conf/fault.ts";
import { deviceGroup } from "../../kernel/ownership.ts";
import { linkFlag } from "../../netlink/route/link.ts";
import type { Step } from "../../step/index.ts";
import { routesOf } from "../container.ts";
import { containerLinkPlan } from "../containerLink.ts";
import type { InterfacePlan, InterfaceType, PlanInput } from "../plan.ts";

export const hostDevice: InterfaceType = {
  plan(input) {
    const { attachment, facts } = input;
    const { name: device, link, userSpaceDriver } = facts.lower!;
    // A program drives the device and configures it from the result.
    if (userSpaceDriver) return withoutLink(input);
    const { address: mac = "", mtu = 0, flags, group = 0, alias, info } = link!;
    const lending: Step = {
      ...{ kind: "hostDevice", device: device!, ifname: attachment.ifname, mac, linkKind: info?.kind ?? "", mtu },
      group: deviceGroup(attachment.network),
      was: { up: (flags & linkFlag.up) !== 0, group, alias },
    };
    return containerLinkPlan(input, [lending], mac, true);
  },

  refuse({ link: keys }, { lower }) {
    const { key, value } = keys!.device!;
    const asked = `Cannot use ${key} = ${JSON.stringify(value)}`;
    if (lower!.userSpaceDriver) return;
    if (!lower!.link) {
      const { elsewhere } = lower!;
      throw new Fault(
        code.config,
        `${asked}: ${elsewhere ?? "the host has no such interface"}`,
        elsewhere
          ? "Delete that attachment; if its container is gone: ns-net gc"
          : "See what the host has with: ip link",
      );
    }
    if ((lower!.link.flags & linkFlag.loopback) === 0) return;
    throw new Fault(code.config, `${asked}: the host's loopback stays where it is`, "Name another interface");
  },
};

function withoutLink({ attachment, config, lease, netns }: PlanInput): InterfacePlan {
  return {
    ...{ steps: [], mac: "", routes: routesOf(config, lease) },
    interfaces: [{ name: attachment.ifname, sandbox: netns }],
  };
}
