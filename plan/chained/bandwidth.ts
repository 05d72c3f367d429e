/** `bandwidth`: limits what a container receives and sends, as configured or as requested by the runtime. */
import type { Attachment } from "../../conf/attachment.ts";
import type { ChainKeys, Limit } from "../../conf/config/config.ts";
import { badConfig, code, Fault } from "../../conf/fault.ts";
import { shapingLinkName } from "../../kernel/linkNames.ts";
import { macOfOwner, shapingGroup } from "../../kernel/ownership.ts";
import type { BandwidthStep } from "../../step/bandwidth.ts";
import type { ChainedType } from "../chain.ts";
import type { BandwidthFacts } from "../facts.ts";

/** Link kind as the kernel calls it. */
const vethKind = "veth";

export const bandwidth: ChainedType<BandwidthFacts> = {
  plan({ attachment, features, prev, facts: { innerKind, host } }) {
    if (!features.bandwidth) return { steps: [], result: prev };
    if (innerKind !== vethKind || !host) {
      throw new Fault(
        code.config,
        `Cannot limit ${attachment.ifname}: ${innerKind === undefined ? "the container has no such interface" : `it is a ${innerKind}, and not a veth with its other end on this host`}`,
        "bandwidth works after bridge and ptp; leave it out of this list",
      );
    }
    const steps = bandwidthSteps(attachment, features, host.name, host.mtu);
    const made = steps.flatMap(({ ifb, mac, egress }) => (egress ? [{ name: ifb, mac }] : []));
    return { steps, result: { ...prev, interfaces: [...prev.interfaces, ...made] } };
  },

  leftovers: ["bandwidth"],
};

/** Throws Fault (code.config) for a burst smaller than one packet: no packet would ever pass. */
export function bandwidthSteps(
  attachment: Attachment,
  { bandwidth: limits }: ChainKeys,
  host: string,
  mtu: number,
): BandwidthStep[] {
  if (!limits) return [];
  for (const [name, limit] of Object.entries(limits) as [string, Limit][]) {
    const least = (mtu + 14) * 8; // with the Ethernet header
    if (limit.burst < least)
      throw badConfig(`${name}Burst`, limit.burst, `at least ${least} bits, one packet of ${mtu} bytes`);
  }
  const { network, container, ifname } = attachment;
  const own = { ifb: shapingLinkName(attachment), mac: macOfOwner("shaping", network, container, ifname) };
  return [{ kind: "bandwidth", host, ...own, group: shapingGroup(network), mtu, ...limits }];
}
