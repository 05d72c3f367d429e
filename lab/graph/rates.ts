/** Packets and bytes that pass interfaces in a second, from two looks at their counters. Pure. */
import { portIdOf } from "./ids.ts";
import type { Live } from "./live.ts";

type Counted = Live["hostLinks"][number]["received"];

export interface Rate {
  /** That of a port of the diagram, or of a host's link (`hostLinkIdOf`). */
  readonly id: string;
  readonly received: Counted;
  readonly sent: Counted;
}

export const hostLinkIdOf = (host: string, name: string) => `link_${host}-${name}`;

/** Per second. An interface that is new, or was made again meanwhile, has no rate yet. */
export function ratesOf(before: Live, now: Live, passedMs: number): Rate[] {
  const old = new Map(countersOf(before).map((one) => [one.id, one]));
  return countersOf(now).flatMap(({ id, received, sent }) => {
    const earlier = old.get(id);
    if (earlier === undefined || received.packets < earlier.received.packets || sent.packets < earlier.sent.packets)
      return [];
    return [
      {
        id,
        received: perSecond(earlier.received, received, passedMs),
        sent: perSecond(earlier.sent, sent, passedMs),
      },
    ];
  });
}

const countersOf = ({ interfaces, hostLinks }: Live): Rate[] => [
  ...interfaces.map(({ pod, ifname, received, sent }) => ({ id: portIdOf(pod, ifname), received, sent })),
  ...hostLinks.map(({ host, name, received, sent }) => ({ id: hostLinkIdOf(host, name), received, sent })),
];

function perSecond(before: Counted, now: Counted, passedMs: number): Counted {
  const rate = (a: number, b: number) => Math.round(((b - a) * 1000) / passedMs);
  return { packets: rate(before.packets, now.packets), bytes: rate(before.bytes, now.bytes) };
}
