/** Interfaces as the kernel has them at this moment: what passed, what is down; and the impairments of pods. */
import { type LinkCounters, listLinkCounters } from "../../netlink/route/linkCounters.ts";
import { openSocketIn, protocol } from "../../netlink/socket.ts";
import type { Netns } from "../../sys/netns.ts";
import { type Settings, unimpaired } from "../plan/impair.ts";
import { keyOfTarget } from "../plan/impaired.ts";
import { hostLinkOf } from "./interfaces.ts";
import type { World } from "./world.ts";

export interface InterfaceNow {
  readonly pod: string;
  readonly ifname: string;
  /** The host's end of its veth pair; null for the end of a link. */
  readonly hostLink: string | null;
  /** One of its ends is down, by `lab impair` or by another program. */
  readonly isDown: boolean;
  readonly impairments: Settings;
  readonly received: Counter;
  readonly sent: Counter;
}

/** An interface of a host that is no end of a pod: a bridge, a VXLAN device, the one on the underlay or to outside. */
export interface HostLinkNow {
  readonly host: string;
  readonly name: string;
  /** Its other end is `outside`, and there is no underlay between. */
  readonly isUplink: boolean;
  readonly received: Counter;
  readonly sent: Counter;
}

/** Since the interface was made. */
export interface Counter {
  readonly packets: number;
  readonly bytes: number;
}

/**
 * One request for each host, because the host's ends of veth pairs count what passes, too; and one for each pod at the
 * beginning of a link.
 */
export function linksNow(world: World): { interfaces: InterfaceNow[]; hostLinks: HostLinkNow[] } {
  const settings = new Map(world.impairments.all().map((one) => [keyOfTarget(one.target), one.settings]));
  const settingsOf = (pod: string, ifname: string) => settings.get(keyOfTarget({ pod, ifname })) ?? unimpaired;
  const known = new Map<Netns, ReadonlyMap<string, LinkCounters>>();
  const countersOf = (netns: Netns) => {
    const counters = known.get(netns) ?? countersIn(netns);
    known.set(netns, counters);
    return counters;
  };
  const onNetworks = world.attached
    .filter(({ pod }) => pod !== "outside")
    .map(({ pod, ifname, result, hostNetns }) => {
      const hostLink = hostLinkOf(result);
      const seen = seenFromOther(countersOf(hostNetns).get(hostLink));
      return { pod, ifname, hostLink, ...seen, impairments: settingsOf(pod, ifname) };
    });
  const onLinks = world.links.flatMap(({ ends: [one, other] }) => {
    const own = countersOf(world.pods.get(one.pod)!.netns).get(one.name);
    return [
      { ...one, ...seenFromOwn(own) },
      { ...other, ...seenFromOther(own) },
    ].map(({ pod, name, addresses: _, ...seen }) => ({
      ...{ pod, ifname: name, hostLink: null, ...seen, impairments: settingsOf(pod, name) },
    }));
  });
  const ofPods = new Set(onNetworks.map(({ hostLink }) => hostLink));
  const uplinks = world.attached.filter(({ pod }) => pod === "outside").map(({ result }) => hostLinkOf(result));
  const hostLinks = [...world.hosts.values()].flatMap((host) =>
    [...countersOf(host.netns).values()]
      .filter(({ name, isRunning }) => isRunning && name !== "lo" && !ofPods.has(name))
      .map((link) => ({
        ...{ host: host.name, name: link.name, isUplink: uplinks.includes(link.name), ...countersSeen(link) },
      })),
  );
  return { interfaces: [...onNetworks, ...onLinks], hostLinks };
}

function countersIn(netns: Netns): Map<string, LinkCounters> {
  using socket = openSocketIn(netns, protocol.route);
  return new Map(listLinkCounters(socket).map((one) => [one.name, one]));
}

const nothing: Counter = { packets: 0, bytes: 0 };

/** A link that is gone passes nothing. */
function seenFromOwn(link: LinkCounters | undefined): Pick<InterfaceNow, "isDown" | "received" | "sent"> {
  if (link === undefined) return { isDown: true, received: nothing, sent: nothing };
  return { isDown: !link.isRunning, ...countersSeen(link) };
}

const countersSeen = (link: LinkCounters) => ({
  received: { packets: link.receivedPackets, bytes: link.receivedBytes },
  sent: { packets: link.sentPackets, bytes: link.sentBytes },
});

/** One end sends what the other receives. */
function seenFromOther(link: LinkCounters | undefined): Pick<InterfaceNow, "isDown" | "received" | "sent"> {
  const { isDown, received, sent } = seenFromOwn(link);
  return { isDown, received: sent, sent: received };
}
