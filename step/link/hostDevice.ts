/**
 * A device of the host, lent to the container: moved and renamed in one message, and back in one. Its name on the host
 * is its alias while it is away, as with the reference's host-device, and its group says whose it is: so it finds its
 * way home when the store is lost, and when the namespace died and the kernel sent it home under a name of its own.
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
  /** Kind of link, as the kernel calls it; empty for a device of hardware. */
  readonly linkKind: string;
  readonly mtu: number;
  /** For CHECK: what a later plugin of the chain gave it instead. */
  readonly innerMtu?: number;
  readonly group: number;
  /** What it was on the host, to be put back. */
  readonly was: { readonly up: boolean; readonly group: number; readonly alias?: string | undefined };
}

/** Without `device`, its alias tells. */
export interface HostDeviceKey
  extends Pick<HostDeviceStep, "ifname" | "group">,
    Partial<Pick<HostDeviceStep, "device" | "was" | "mac" | "linkKind">> {
  /** Hardware address of one that another plugin lent, before ns-net came in its place: that one set the alias, too. */
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
      // The kernel moves it first and may then refuse the rest.
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
    // Its namespace is gone, and a physical device is in the first namespace then, where nothing of the group belongs.
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
    /** Those whose containers died: the kernel sent them back, and no DEL comes for them. */
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

  print({ device: name, ifname, group }, { netns }) {
    return [
      `ip link set ${linkWord(name)} netns ${netnsWord(netns)} name ${shellWord(ifname)}`,
      `${ipWord("container", netns)} link set ${linkWord(ifname)} alias ${shellWord(name)}`,
      `${ipWord("container", netns)} link set ${linkWord(ifname)} group ${group}`,
    ];
  },
};

/**
 * The container may have changed group, alias and address: one of them is enough, under the name that it was given. A
 * link of another kind is one that the container made: it has no home on the host.
 */
function isLent({ group, alias, address, info }: Link, key: HostDeviceKey): boolean {
  if (key.linkKind !== undefined && (info?.kind ?? "") !== key.linkKind) return false;
  return group === key.group || (key.device !== undefined && (alias === key.device || address === key.mac));
}

/** Without an entry nothing tells which of a container's devices is meant. */
function lentUnderAnotherName(key: HostDeviceKey, kernel: Kernel): Link | undefined {
  const { device: name, mac, group } = key;
  if (name === undefined) return undefined;
  const all = listLinks(kernel.route("container")).filter((link) => isLent(link, key));
  const marked = all.find((link) => link.group === group && link.alias === name);
  const [same, ...more] = all.filter((link) => link.address === mac);
  return marked ?? (more.length === 0 ? same : undefined);
}

/** With its own name, or if somebody has that by now as the first free of dev0, dev1 …, its own staying its alias. */
function goHome(where: Where, link: Link, { device: told, was }: Partial<HostDeviceStep>, kernel: Kernel): void {
  const { index, name = "", alias } = link;
  const own = told ?? alias ?? name;
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

/** True for a step that lends the device of that name on the host. */
export function isLending(name: string, step: AnyStep): boolean {
  return isStep<HostDeviceStep>("hostDevice", step) && step.device === name;
}
