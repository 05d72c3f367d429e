/**
 * A device of the host, lent to the container. One message moves and renames it, and one returns it. Meanwhile its alias
 * is its name on the host, as with the reference's host-device, and its group is the network's. By these it is returned
 * even if the store is lost, or if its namespace ended and the kernel moved it to the host under another name.
 */

import type { Kernel, Where } from "../../kernel/kernel.ts";
import { deviceGroup } from "../../kernel/ownership.ts";
import { changeLink, type Link, linkFlag, listLinks } from "../../netlink/route/link.ts";
import { errno, KernelError } from "../../sys/errors.ts";
import defer * as asInResult from "../asInResult.ts";
import { type AnyStep, differences, isStep, type Kind, missing, unknownMtu } from "../kind.ts";
import { ipWord, linkWord, netnsWord, shellWord } from "../shellWords.ts";

export interface HostDeviceStep {
  readonly kind: "hostDevice";
  /** Its name on the host. */
  readonly device: string;
  readonly ifname: string;
  readonly mac: string;
  /** Kind of link, as the kernel calls it; empty for a physical device. */
  readonly linkKind: string;
  readonly mtu: number;
  /** For CHECK: the MTU that a later plugin of the chain set. */
  readonly innerMtu?: number;
  readonly group: number;
  /** Properties on the host, which undo restores. */
  readonly was: { readonly up: boolean; readonly group: number; readonly alias?: string | undefined };
}

/** Without `device`, the alias is the name on the host. */
export interface HostDeviceKey
  extends Pick<HostDeviceStep, "ifname" | "group">,
    Partial<Pick<HostDeviceStep, "device" | "was" | "mac" | "linkKind">> {
  /** Hardware address of a device that the reference's host-device lent; it sets the alias, too. */
  readonly foreignMac?: string | undefined;
}

export const hostDevice: Kind<HostDeviceStep, HostDeviceKey> = {
  apply(step, kernel) {
    const { device: name, ifname, group } = step;
    const index = kernel.indexOf("host", name);
    const what = `move device ${name} into the container as ${ifname}`;
    try {
      kernel.request("host", changeLink(what, { index, name: ifname, alias: name, group, netnsFd: kernel.netns!.fd }));
    } catch (error) {
      // The kernel moves it first, and may then refuse the other changes.
      const half = listLinks(kernel.route("container")).find((link) => link.name === name && link.group !== group);
      if (half && kernel.linkByIndex(index)?.name !== name) goHome("container", half, step, kernel);
      throw error;
    } finally {
      kernel.forget("host", name);
      kernel.forget("container", ifname);
    }
    return true;
  },

  undo(key, kernel) {
    const { ifname, group } = key;
    const named = kernel.netns && kernel.link("container", ifname);
    if (named?.alias !== undefined && named.address === key.foreignMac) {
      goHome("container", named, { was: { up: false, group: named.group ?? 0 } }, kernel);
      return;
    }
    const lent = named && isLent(named, key) ? named : kernel.netns && lentUnderAnotherName(key, kernel);
    if (lent) {
      goHome("container", lent, key, kernel);
      return;
    }
    // Its namespace is gone. The kernel moved a physical device to the first namespace, where no link should have the group.
    for (const stray of listLinks(kernel.route("host"))) {
      const isIt = stray.group === group && (key.device === undefined || key.device === stray.alias);
      if (isIt) goHome("host", stray, key, kernel);
    }
  },

  leftover: {
    attachment: ({ network, ifname }, { foreign }) => ({
      ifname,
      group: deviceGroup(network),
      foreignMac: foreign?.type === "host-device" ? foreign.mac : undefined,
    }),
    /** Devices whose containers ended: the kernel moved them to the host, and no DEL comes for them. */
    network: (network) => ({ ifname: "", group: deviceGroup(network) }),
  },

  isPresent: ({ ifname, group }, kernel) => kernel.link("container", ifname)?.group === group,

  repair() {},

  asInResult: (step, result) => asInResult.linkAsIn(step, result),

  check({ ifname, device: name, mac, mtu, innerMtu = mtu, group }, kernel) {
    const found = kernel.link("container", ifname);
    if (!found) return missing(`device ${ifname} (${name} of the host) in the container`);
    return differences(
      `device ${ifname} in the container`,
      { mac, mtu: innerMtu === unknownMtu ? undefined : innerMtu, group, alias: name },
      { ...found, mac: found.address },
    );
  },

  reason: ({ device }) => `The container gets the host's device ${device}, and returns it at the end.`,

  print({ device: name, ifname, group }, { netns }) {
    return [
      `ip link set ${linkWord(name)} netns ${netnsWord(netns)} name ${shellWord(ifname)}`,
      `${ipWord("container", netns)} link set ${linkWord(ifname)} alias ${shellWord(name)}`,
      `${ipWord("container", netns)} link set ${linkWord(ifname)} group ${group}`,
    ];
  },
};

/**
 * True for the lent device. The container may have changed group, alias and hardware address: one of them is enough. A
 * link of another kind is the container's own.
 */
function isLent({ group, alias, address, info }: Link, key: HostDeviceKey): boolean {
  if (key.linkKind !== undefined && (info?.kind ?? "") !== key.linkKind) return false;
  return group === key.group || (key.device !== undefined && (alias === key.device || address === key.mac));
}

/** The device under a name that the container gave it; undefined without an entry, which identifies it. */
function lentUnderAnotherName(key: HostDeviceKey, kernel: Kernel): Link | undefined {
  const { device: name, mac, group } = key;
  if (name === undefined) return undefined;
  const all = listLinks(kernel.route("container")).filter((link) => isLent(link, key));
  const marked = all.find((link) => link.group === group && link.alias === name);
  const [same, ...more] = all.filter((link) => link.address === mac);
  return marked ?? (more.length === 0 ? same : undefined);
}

/** Returns a device under its original name; if that is in use, as the first free of dev0, dev1 …, with the original name as alias. */
function goHome(where: Where, link: Link, { device: known, was }: Partial<HostDeviceStep>, kernel: Kernel): void {
  const { index, name = "", alias } = link;
  const own = known ?? alias ?? name;
  kernel.forget("host", own);
  const taken = kernel.link("host", own);
  const isTaken = taken !== undefined && (where === "container" || taken.index !== index);
  const home = where === "container" ? kernel.host : undefined;
  try {
    kernel.request(
      where,
      changeLink(`put device ${name} back as ${own}`, {
        index,
        ...(isTaken ? { name: "dev%d" } : { name: own, alias: was?.alias ?? "" }),
        group: was?.group ?? 0,
        netnsFd: home?.fd,
        set: was?.up ? linkFlag.up : undefined,
      }),
    );
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== errno.ENODEV) throw error;
  } finally {
    kernel.forget("container", name);
    kernel.forget("host", own);
  }
}

/** True if the step lends the device of that name on the host. */
export function isLending(name: string, step: AnyStep): boolean {
  return isStep<HostDeviceStep>("hostDevice", step) && step.device === name;
}
