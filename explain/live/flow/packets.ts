/**
 * Puts messages of the trace together: those about one packet in one namespace are a visit, and the visits of a packet are
 * its way. The kernel numbers packets in each namespace again, so the visits are joined by what headers keep everywhere.
 */
import type { TracedPlace, TraceMessage } from "../../../netlink/nft/trace.ts";
import type { Site } from "../../path/site/site.ts";
import { type Header, headerIn, isSameWay } from "./header.ts";

/** A decision of a rule, or of the policy of a chain. */
export interface Step {
  readonly place: TracedPlace;
  /** `accept`, `drop`, `jump docker`, `queue 3` … */
  readonly verdict: string;
}

export interface Visit {
  readonly site: Site;
  /** The number of its first message: in the order of time among the visits of its namespace. */
  readonly order: number;
  /** The packet as it came in. */
  readonly header: Header;
  /** The last header, if the rules changed it. */
  rewritten: Header | undefined;
  inDevice: string | undefined;
  outDevice: string | undefined;
  readonly steps: Step[];
  isDropped: boolean;
  /** It passed the last rule of the hook input. */
  isDelivered: boolean;
}

export interface TracedPacket {
  header: Header;
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  visits: Visit[];
  lastMs: number;
  /** The number of the reading that had the last message about it. */
  lastReading: number;
  /** The kernel's drop reason, the function that dropped it, and a sentence. */
  dropped?: { readonly reason: string; readonly place: string; readonly says: string };
}

const verdictWords: Readonly<Record<number, string>> = {
  ...{ 0: "drop", 1: "accept", 2: "stolen", [-1]: "continue", [-2]: "continue" },
  ...{ [-3]: "jump", [-4]: "goto", [-5]: "return" },
};
const queue = 3;

function verdictText({ verdict = -5, target }: TraceMessage): string {
  if (verdict >= 0 && (verdict & 0xff) === queue) return `queue ${verdict >>> 16}`;
  const word = verdictWords[verdict] ?? String(verdict);
  return target === undefined ? word : `${word} ${target}`;
}

const nameOf = (site: Site, index: number | undefined) => (index ? site.link(index)?.name : undefined);

/** It came by a port of this bridge. */
const isPortOf = ({ site, inDevice }: Visit, bridge: number | undefined): boolean =>
  bridge !== undefined && site.links.some(({ name, master }) => name === inDevice && master === bridge);

/** A packet is finished so much time after it was last seen. */
const quietMs = 100;

export class TracedPackets {
  readonly #ownTable: string;
  readonly #open: TracedPacket[] = [];
  #count = 0;
  /** By the site and the number of the packet there. */
  readonly #visits = new Map<string, { readonly packet: TracedPacket; readonly visit: Visit }>();

  /** `ownTable` is the name of our tables, whose rules are not shown. */
  constructor(ownTable: string) {
    this.#ownTable = ownTable;
  }

  get hasOpen(): boolean {
    return this.#open.length > 0;
  }

  /** `reading` numbers the readings. */
  add(site: Site, message: TraceMessage, nowMs: number, reading: number): void {
    const key = `${site.netns.inode} ${message.id}`;
    const known = this.#visits.get(key);
    const header = message.network && headerIn(message.network, message.transport ?? new Uint8Array(0));
    const isOther = known !== undefined && header !== undefined && known.visit.header.key !== header.key;
    const isBegun = message.place.table === this.#ownTable;
    const found = known === undefined || isOther ? isBegun && this.#begun(site, message, header, nowMs) : known;
    if (!found) return;
    this.#visits.set(key, found);
    found.packet.lastMs = nowMs;
    found.packet.lastReading = reading;
    this.#note(found.visit, message, header);
  }

  #begun(site: Site, { inIndex }: TraceMessage, header: Header | undefined, nowMs: number) {
    if (header === undefined) return undefined;
    const same = this.#open.filter(({ visits }) => visits[0]!.header.key === header.key);
    // From a port the packet may come up to its bridge: the kernel gives it another number there.
    const device = nameOf(site, inIndex);
    const continued = (isOne: (visit: Visit) => boolean) => {
      const isAbove = (visit: Visit) => visit.site === site && !visit.isDelivered && visit.inDevice !== device;
      const packet = same.find(({ visits }) => isAbove(visits.at(-1)!) && isOne(visits.at(-1)!));
      return packet && { packet, visit: packet.visits.at(-1)! };
    };
    const above =
      continued((visit) => isSameWay(visit.header, header)) ??
      // Where bridges call the rules of IP (br_netfilter), those of prerouting are over: its addresses may be others by then.
      continued((visit) => !visit.isDropped && visit.outDevice === undefined && isPortOf(visit, inIndex));
    if (above !== undefined) return above;
    const visit: Visit = {
      ...{ site, order: this.#count++, header, rewritten: undefined, inDevice: undefined, outDevice: undefined },
      ...{ steps: [], isDropped: false, isDelivered: false },
    };
    let packet = same.find(({ visits }) => !visits.some(({ site: seen }) => seen === site));
    if (packet === undefined) {
      packet = { header, timeMs: nowMs, lastMs: nowMs, lastReading: 0, visits: [] };
      this.#open.push(packet);
    }
    packet.visits.push(visit);
    return { packet, visit };
  }

  #note(visit: Visit, message: TraceMessage, header: Header | undefined): void {
    const { place, inIndex, outIndex, drop, verdict } = message;
    const nameOf = (index: number | undefined) => (index ? visit.site.link(index)?.name : undefined);
    visit.inDevice ??= nameOf(inIndex);
    visit.outDevice = nameOf(outIndex) ?? visit.outDevice;
    const isChanged =
      header && (header.source !== visit.header.source || header.destination !== visit.header.destination);
    if (isChanged) visit.rewritten = header;
    if (drop !== undefined) visit.isDropped = true;
    if (place.table === this.#ownTable) {
      if (place.chain === "input") visit.isDelivered = true;
      return;
    }
    const isPolicy = place.handle === undefined;
    if (verdict === undefined || (isPolicy && drop === undefined)) return;
    visit.steps.push({ place, verdict: verdictText(message) });
  }

  /** The packets of which nothing more is expected. */
  finished(nowMs: number, isAll = false): TracedPacket[] {
    const isOver = (packet: TracedPacket) => isAll || nowMs - packet.lastMs > quietMs;
    const over = this.#open.filter(isOver);
    for (const packet of over) this.#open.splice(this.#open.indexOf(packet), 1);
    for (const [key, { packet }] of this.#visits) if (over.includes(packet)) this.#visits.delete(key);
    return over;
  }
}
