/** Traces the packets between two places, as they come, in all namespaces of their way. */
import { isKernelError } from "../../../sys/errors.ts";
import { tracefsRefusals } from "../../../sys/tracefs.ts";
import { isVeth, type Site } from "../../path/site/site.ts";
import type { Passed } from "../../path/walk.ts";
import type { World } from "../../path/world.ts";
import { etherType } from "../../rules/packet.ts";
import { otherFilter } from "../filters.ts";
import { isLostAfterRules, meaningOf } from "../reasons.ts";
import { ownTable, Traced } from "../traced.ts";
import { TracingInstance } from "../tracing/instance.ts";
import { refusalText } from "../watch.ts";
import { eventsOf, RecentDrops } from "./drops.ts";
import { countsOf, flowMark, tuplesOf, type Which } from "./marks.ts";
import { endOf, inOrder, inTime, withTranslations } from "./order.ts";
import { Outside } from "./outside.ts";
import { type TracedPacket, TracedPackets } from "./packets.ts";
import { Sides } from "./sides.ts";

/** In each namespace: a busy flow costs no more, and more could not be read by a person. */
const packetsPerSecond = 50;

export interface Flow extends Which {
  readonly world: Pick<World, "peerOf"> & { readonly sites: readonly Site[] };
  readonly sender: Site;
  /** The packets of a walk there and back, as they enter each namespace. */
  readonly passed: readonly Passed[];
  readonly version: 4 | 6;
}

export class FlowTracer implements Disposable {
  /** Why drop reasons are not seen; undefined if they are. */
  readonly unseen: string | undefined;
  readonly #traces: { readonly site: Site; readonly trace: Traced }[] = [];
  readonly #tracing: TracingInstance | undefined;
  readonly #packets = new TracedPackets(ownTable());
  readonly #drops: RecentDrops;
  readonly #sender: Site;
  readonly #world: Flow["world"];
  readonly #version: 4 | 6;
  readonly #outside: Outside | undefined;
  readonly #sides: Sides;
  #reading = 0;

  /** Throws KernelError. */
  constructor({ world, sender, passed, version, ...which }: Flow) {
    this.#sender = sender;
    this.#world = world;
    this.#version = version;
    this.#drops = new RecentDrops();
    this.#outside = which.isWithOutside ? new Outside(world.sites, version) : undefined;
    const all = tuplesOf(passed, which);
    this.#sides = new Sides(world.sites, all, which.addresses);
    try {
      for (const site of world.sites) {
        const own = tuplesOf(
          passed.filter((one) => one.site === site),
          which,
        );
        // The walk may have ended before it came there.
        const rules = (own.length > 0 ? own : all).map((tuple) => flowMark(tuple, packetsPerSecond));
        this.#traces.push({ site, trace: new Traced(site.netns, rules, true) });
      }
      try {
        this.#tracing = new TracingInstance(
          eventsOf(devicesOf(world), version === 4 ? etherType.ipv4 : etherType.ipv6),
        );
      } catch (error) {
        if (!isKernelError(error, ...tracefsRefusals)) throw error;
        this.unseen = refusalText(error.symbol);
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get sites(): readonly Site[] {
    return this.#traces.map(({ site }) => site);
  }

  /** The packets that have ended since the last call, in the order of time. `isLast`: also those that may go on. */
  read(isLast = false): TracedPacket[] {
    const nowMs = Date.now();
    const reading = ++this.#reading;
    for (const { site, trace } of this.#traces)
      for (const message of trace.read()) this.#packets.add(site, message, nowMs, reading);
    for (const event of this.#tracing?.read() ?? []) this.#drops.add(event, reading);
    const over = inTime(this.#packets.finished(nowMs, isLast));
    for (const packet of over) this.#complete(packet);
    const isOfFlow = (packet: TracedPacket) =>
      (this.#outside?.isEndOf(packet.header) ?? true) && this.#sides.haveSent(packet);
    return over.filter(isOfFlow);
  }

  /** Puts the visits in order, and finds the reason of a drop. */
  #complete(packet: TracedPacket): void {
    packet.visits = inOrder(this.#world, packet.visits);
    withTranslations(packet.visits);
    packet.header = packet.visits[0]!.header;
    const last = packet.visits.at(-1)!;
    const next = endOf(this.#world, last)?.link.name;
    const drop = this.#drops.take(packet.visits, packet.header.length, packet.lastReading, next);
    if (drop === undefined || (last.isDropped && drop.reason === "NETFILTER_DROP")) return;
    // A ping is answered without a program.
    const isOfPing = packet.header.protocol.startsWith("icmp");
    if (last.isDelivered && (isOfPing || !isLostAfterRules(drop.reason))) return;
    const { reason, place, sightings } = drop;
    const device = sightings.at(-1)?.split(" ")[1];
    const isFilter = reason === "NETFILTER_DROP";
    const says = isFilter ? otherFilter(last.site, device, this.#version) : meaningOf(reason).says;
    packet.dropped = { reason, place, says };
  }

  /** Packets of the flow that are not traced, because there were too many: as the sender's namespace counts them. */
  leftOut(): number {
    const own = this.#traces.find(({ site }) => site === this.#sender);
    const counts = own?.trace.rules().map(countsOf) ?? [];
    return counts.reduce((sum, { seen, marked }) => sum + seen - marked, 0);
  }

  close(): void {
    for (const { trace } of this.#traces) trace.close();
    this.#tracing?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** The interfaces of the namespaces, and of the host those that lead to them or elsewhere: a host may have hundreds. */
function devicesOf(world: Flow["world"]): string[] {
  const { sites } = world;
  const inside = sites.filter(({ isHost }) => !isHost).flatMap((site) => site.links.map((link) => ({ site, link })));
  const ends = inside.flatMap(({ site, link }) => world.peerOf(site, link)?.link.name ?? []);
  const others = sites.filter(({ isHost }) => isHost).flatMap(({ links }) => links.filter((link) => !isVeth(link)));
  return [...inside.map(({ link }) => link), ...others].map(({ name }) => name).concat(ends);
}
