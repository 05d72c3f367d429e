/**
 * An interface created in the container, with or without a lower link. It leaves nothing on the host, its group marks it
 * as ours, and it ends with its namespace.
 */

import type { Kernel, Where } from "../../kernel/kernel.ts";
import { hostLinkName } from "../../kernel/linkNames.ts";
import { containerLinkGroup } from "../../kernel/ownership.ts";
import { macvlanKind } from "../../netlink/route/kind/macvlan.ts";
import { changeLink, createLink, deleteLink, type Link } from "../../netlink/route/link.ts";
import { errno, isKernelError, tolerating } from "../../sys/errors.ts";
import defer * as asInResult from "../asInResult.ts";
import { differences, type Foreign, type Kind, missing, unknownMtu } from "../kind.ts";
import { ipWord, linkWord, netnsWord, shellWord } from "../shellWords.ts";
import { dataOf, readSettings, type Settings, wordsOf } from "./linkSettings.ts";

export interface ContainerLinkStep {
  readonly kind: "containerLink";
  readonly ifname: string;
  /** Its first name: a kernel before 6.15 refuses a name that a link of the host has. */
  readonly temporary: string;
  readonly settings: Settings;
  readonly master?: { readonly name: string; readonly where: Where } | undefined;
  readonly mac: string;
  /** It has its master's hardware address. */
  readonly inheritsMac?: true | undefined;
  readonly mtu: number;
  /** For CHECK: the MTU that a later plugin of the chain set. */
  readonly innerMtu?: number;
  readonly group: number;
}

export interface ContainerLinkKey extends Pick<ContainerLinkStep, "ifname" | "temporary" | "group"> {
  readonly foreign?: Foreign | undefined;
}

/** True if the master is on the host: then the host's socket creates the interface, and the container's renames it. */
const isAcross = ({ master }: ContainerLinkStep) => master?.where === "host";

function create(step: ContainerLinkStep, kernel: Kernel): void {
  const { ifname, temporary, settings, master, mac, inheritsMac, mtu, group } = step;
  const data = dataOf(settings);
  const change = {
    address: inheritsMac ? undefined : mac,
    mtu,
    group,
    peerIndex: master && kernel.indexOf(master.where, master.name),
    info: { kind: settings.type, data },
  };
  if (!isAcross(step)) {
    kernel.request("container", createLink({ ...change, name: ifname }));
    return;
  }
  kernel.request("host", createLink({ ...change, name: temporary, netnsFd: kernel.netns!.fd }));
  kernel.forget("container", temporary);
  try {
    const index = kernel.indexOf("container", temporary);
    kernel.forget("container", temporary);
    kernel.request("container", changeLink(`give link ${temporary} the name ${ifname}`, { index, name: ifname }));
  } catch (error) {
    remove(temporary, group, kernel);
    throw error;
  }
}

function remove(name: string, group: number, kernel: Kernel, foreign?: Foreign): void {
  const found = kernel.link("container", name);
  if (found && (found.group === group || isForeign(found, foreign))) {
    tolerating(() => kernel.request("container", deleteLink(name)), errno.ENODEV);
  }
  kernel.forget("container", name);
}

/** True for the interface of the reference, which sets no group. */
function isForeign({ info, address, group = 0 }: Link, foreign: Foreign | undefined): boolean {
  return foreign !== undefined && group === 0 && info?.kind === foreign.type && address === foreign.mac;
}

export const containerLink: Kind<ContainerLinkStep, ContainerLinkKey> = {
  apply(step, kernel) {
    try {
      create(step, kernel);
    } catch (error) {
      // A killed call left an interface under the temporary name.
      if (!isKernelError(error, errno.EEXIST) || kernel.link("container", step.temporary) === undefined) throw error;
      remove(step.temporary, step.group, kernel);
      create(step, kernel);
    }
    kernel.forget("container", step.ifname);
    return true;
  },

  undo({ ifname, temporary, group, foreign }, kernel) {
    if (kernel.netns === undefined) return;
    remove(ifname, group, kernel, foreign);
    remove(temporary, group, kernel);
  },

  leftover: {
    attachment(attachment, { foreign }) {
      const { network, ifname } = attachment;
      const [temporary, group] = [hostLinkName(attachment), containerLinkGroup(network)];
      return { ifname, temporary, group, foreign };
    },
  },

  isPresent: ({ ifname, group }, kernel) => kernel.link("container", ifname)?.group === group,

  isMadeBy: ({ ifname, mac, settings, inheritsMac }, { name, address, info }) =>
    info?.kind === settings.type && (name === ifname || (!inheritsMac && address === mac)),

  /** Does not recreate a lost interface: its addresses and routes are lost, too. */
  repair() {},

  asInResult: (step, result) => asInResult.linkAsIn(step, result),

  check({ ifname, settings, master, mac, mtu, innerMtu = mtu, group }, kernel) {
    const found = kernel.link("container", ifname);
    if (!found) return missing(`link ${ifname} in the container`);
    const lower = master && kernel.link(master.where, master.name);
    // The kernel puts a macvlan on a macvlan onto the lower one's master.
    const isByWay = lower?.info?.kind === macvlanKind && lower.peerIndex === found.peerIndex;
    const { bcqueuelen: _, ...expected } = { bcqueuelen: 0, ...settings };
    return differences(
      `link ${ifname} in the container`,
      {
        ...expected,
        mac,
        mtu: innerMtu === unknownMtu ? undefined : innerMtu,
        group,
        master: isByWay ? undefined : lower?.index,
      },
      {
        ...(readSettings(found) ?? { type: found.info?.kind }),
        mac: found.address,
        mtu: found.mtu,
        group: found.group,
        master: found.peerIndex,
      },
    );
  },

  reason: ({ master }) =>
    master ? `An interface of the container on top of ${master.name}.` : "An interface in the container alone.",

  print(step, { netns }) {
    const { ifname, temporary, settings, master, mac, inheritsMac, mtu, group } = step;
    const words = [
      ...(master ? [`link ${shellWord(master.name)}`] : []),
      ...(inheritsMac ? [] : [`address ${mac}`]),
      `mtu ${mtu} group ${group}`,
      ...(isAcross(step) ? [`netns ${netnsWord(netns)}`] : []),
      wordsOf(settings),
    ];
    const ip = ipWord("container", netns);
    if (!isAcross(step)) return [`${ip} link add ${linkWord(ifname)} ${words.join(" ")}`];
    return [`ip link add ${temporary} ${words.join(" ")}`, `${ip} link set ${temporary} name ${shellWord(ifname)}`];
  },
};
