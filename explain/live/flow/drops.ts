/**
 * Drop reasons for traced packets. The trace of rules has headers and no buffers, tracefs has buffers and no headers: they
 * are joined by the interfaces that both saw in the same order, by the length, and by the moment in which they were read.
 */
import { isNoLoss } from "../reasons.ts";
import type { KernelEvent } from "../tracing/event.ts";
import type { Wanted } from "../tracing/instance.ts";
import type { Visit } from "./packets.ts";

/** A kind of sighting and an interface: `came eth0`. */
type Sighting = string;

interface Drop {
  readonly sightings: readonly Sighting[];
  readonly lengthBytes: number;
  readonly reason: string;
  readonly place: string;
  /** The number of the reading. */
  readonly reading: number;
}

/** A filter of tracefs has at most so many conditions that a kernel takes it in good time. */
const devicesMax = 32;
const buffersMax = 4096;
const sightingsMax = 16;
/** The header of Ethernet, with a VLAN or without; none on links without one. */
const headerBytes = [0, 14, 18];

export class RecentDrops {
  readonly #seen = new Map<string, { readonly sightings: Sighting[]; lengthBytes: number }>();
  #drops: Drop[] = [];

  /** `reading` numbers the readings. */
  add({ name, buffer, device, lengthBytes, reason, place }: KernelEvent, reading: number): void {
    const seen = this.#seen.get(buffer) ?? { sightings: [], lengthBytes };
    this.#seen.delete(buffer);
    if (name === "kfree_skb") {
      this.#drops = this.#drops.filter((drop) => reading - drop.reading < readingsKept);
      if (seen.sightings.length > 0 && !isNoLoss(reason)) this.#drops.push({ ...seen, reason, place, reading });
      return;
    }
    seen.sightings.push(`${name === "net_dev_start_xmit" ? "sent" : "came"} ${device}`);
    if (seen.sightings.length > sightingsMax) seen.sightings.shift();
    seen.lengthBytes = lengthBytes;
    this.#seen.set(buffer, seen);
    if (this.#seen.size > buffersMax) this.#seen.delete(this.#seen.keys().next().value!);
  }

  /**
   * The drop of a packet that went this way and was last read about in that reading. It is then no other packet's. `next` is
   * the interface at the other end, where it may be dropped before the rules there see it.
   */
  take(way: readonly Visit[], length: number, reading: number, next: string | undefined): Drop | undefined {
    const expected = way.flatMap(({ inDevice, outDevice }) => [
      ...(inDevice === undefined ? [] : [`came ${inDevice}`]),
      ...(outDevice === undefined ? [] : [`sent ${outDevice}`]),
    ]);
    const lasts = [expected.at(-1), ...(next === undefined ? [] : [`came ${next}`])];
    const at = this.#drops.findIndex(
      (drop) =>
        // Rules are read first, so a drop is read together with them, or just before.
        (drop.reading === reading || drop.reading === reading - 1) &&
        headerBytes.some((more) => drop.lengthBytes === length + more) &&
        // Behind a hook that drops it before it is sent, an interface is named that it did not come to.
        (hasInOrder(drop.sightings, expected) || hasInOrder(drop.sightings, expected.slice(0, -1))) &&
        lasts.concat(expected.at(-2)).includes(drop.sightings.at(-1)),
    );
    return at < 0 ? undefined : this.#drops.splice(at, 1)[0];
  }
}

const readingsKept = 64;

/** True if `all` has the `wanted` ones in their order. */
function hasInOrder(all: readonly string[], wanted: readonly string[]): boolean {
  let at = 0;
  for (const one of all) if (one === wanted[at]) at++;
  return wanted.length > 0 && at === wanted.length;
}

/** The events about these interfaces, and the drops of packets of one version of IP. */
export function eventsOf(devices: readonly string[], etherType: number): Wanted[] {
  const names = [...new Set(devices)].slice(0, devicesMax);
  const filter = names.map((name) => `name == "${name}"`).join(" || ");
  return [
    { event: "net/net_dev_start_xmit", filter },
    { event: "net/netif_receive_skb", filter },
    { event: "skb/kfree_skb", filter: `protocol == ${etherType}` },
  ];
}
