/** `host-device`: an interface of the host, lent to the container. */
import { code, Fault } from "../../conf/fault.ts";
import { linkFlag } from "../../netlink/route/link.ts";
import { deviceGroup } from "../names.ts";
import type { Step } from "../step/index.ts";
import type { LinkType } from "./index.ts";
import { insidePlan } from "./inside.ts";

export const hostDevice: LinkType = {
  plan(input) {
    const { attachment, facts, netns } = input;
    const { name: device, link } = facts.below!;
    const { address: mac = "", mtu = 0, flags, group = 0, alias } = link!;
    const lending: Step = {
      ...{ kind: "device", device: device!, ifname: attachment.ifname, mac, mtu },
      ...{ group: deviceGroup(attachment.network), netns },
      was: { up: (flags & linkFlag.up) !== 0, group, ...(alias !== undefined && { alias }) },
    };
    return insidePlan(input, [lending], mac, true);
  },

  refuse({ link: keys }, { below }) {
    const { key, value } = keys!.device!;
    const asked = `Cannot use ${key} = ${JSON.stringify(value)}`;
    if (!below!.link) {
      const why = below!.elsewhere ?? "the host has no such interface";
      throw new Fault(code.config, `${asked}: ${why}`, "See what the host has with: ip link");
    }
    if ((below!.link.flags & linkFlag.loopback) === 0) return;
    throw new Fault(code.config, `${asked}: the host's loopback stays where it is`, "Name another interface");
  },
};
