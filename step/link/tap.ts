/** A tap interface in the container, which a program such as a virtual machine opens. It ends with its namespace. */
import { changeLink } from "../../netlink/route/link.ts";
import { createTap } from "../../sys/tap.ts";
import defer * as asInResult from "../asInResult.ts";
import { differences, type Kind, missing, unknownMtu } from "../kind.ts";
import { ipWord, linkWord, shellWord } from "../shellWords.ts";
import { containerLink } from "./containerLink.ts";

export interface TapStep {
  readonly kind: "tap";
  readonly ifname: string;
  readonly multiQueue: boolean;
  /** Numbers of the user and the group that may open it. */
  readonly owner?: number | undefined;
  readonly openGroup?: number | undefined;
  readonly mac: string;
  readonly mtu: number;
  /** For CHECK: the MTU that a later plugin of the chain set. */
  readonly innerMtu?: number;
  /** IFLA_GROUP. */
  readonly group: number;
}

export type TapKey = Pick<TapStep, "ifname" | "group">;

/** The link kind, as the kernel calls it. */
export const tapKind = "tun";

export const tap: Kind<TapStep, TapKey> = {
  apply({ ifname: name, multiQueue, owner, openGroup, mac, mtu, group }, kernel) {
    createTap(kernel.netns!, { name, multiQueue, owner, group: openGroup }, () =>
      kernel.request("container", changeLink(`set up tap ${name}`, { name, address: mac, mtu, group })),
    );
    kernel.forget("container", name);
    return true;
  },

  undo({ ifname, group }, kernel) {
    containerLink.undo!({ ifname, temporary: ifname, group }, kernel);
  },

  isPresent: ({ ifname, group }, kernel) => kernel.link("container", ifname)?.group === group,

  isMadeBy: ({ ifname, mac }, { name, address, info }) =>
    info?.kind === tapKind && (name === ifname || address === mac),

  repair() {},

  asInResult: (step, result) => asInResult.linkAsIn(step, result),

  check({ ifname, mac, mtu, innerMtu = mtu, group }, kernel) {
    const found = kernel.link("container", ifname);
    if (!found) return missing(`link ${ifname} in the container`);
    return differences(
      `link ${ifname} in the container`,
      { kind: tapKind, mac, mtu: innerMtu === unknownMtu ? undefined : innerMtu, group },
      { ...found, kind: found.info?.kind, mac: found.address },
    );
  },

  reason: () => "A tap interface: a program inside, such as a virtual machine, sends and receives its frames.",

  print({ ifname, multiQueue, owner, openGroup, mac, mtu, group }, { netns }) {
    const ip = ipWord("container", netns);
    const words = [
      ...(multiQueue ? ["multi_queue"] : []),
      ...(owner === undefined ? [] : [`user ${owner}`]),
      ...(openGroup === undefined ? [] : [`group ${openGroup}`]),
    ];
    return [
      [`${ip} tuntap add mode tap name ${shellWord(ifname)}`, ...words].join(" "),
      `${ip} link set ${linkWord(ifname)} address ${mac} mtu ${mtu} group ${group}`,
    ];
  },
};
