/** All that the kernel says about a probe: what rules did with it, which interfaces it passed, and why it was dropped. */

import type { TracedPlace } from "../../netlink/nft/trace.ts";
import { isKernelError } from "../../sys/errors.ts";
import { tracefsRefusals } from "../../sys/tracefs.ts";
import type { Site } from "../path/site/site.ts";
import { placeText } from "../rules/words.ts";
import { type Followed, type Journey, Journeys } from "./journey.ts";
import { type ProbeShape, probeMark } from "./marks.ts";
import { Traced } from "./traced.ts";
import { TracingInstance, type Wanted } from "./tracing/instance.ts";

export interface Watched {
  readonly sites: readonly Site[];
  readonly shape: ProbeShape;
  readonly followed: Followed;
  /** One of them is in each packet of the probe; ignored where the length is enough. */
  readonly addresses: readonly Uint8Array[];
}

/** A rule, or the policy of a chain, that decided on the probe. */
export interface Decided {
  readonly site: Site;
  readonly place: TracedPlace;
}

/** NF_QUEUE; the number of the queue is in the upper half. */
const queue = 3;
/** Headers that a tunnel or a VLAN puts before a packet. */
const wrappedBytesMax = 100;

export class Watch implements Disposable {
  readonly drops: Decided[] = [];
  /** Rules that handed the probe to a program. */
  readonly queued: (Decided & { readonly queue: number })[] = [];
  /** Why tracefs is not seen; undefined if it is. */
  readonly unseen: string | undefined;
  readonly #journeys: Journeys;
  readonly #watched: Watched;
  readonly #traces: { readonly site: Site; readonly trace: Traced; readonly ours: Set<number> }[] = [];
  readonly #tracing: TracingInstance | undefined;

  /** Throws KernelError. */
  constructor(watched: Watched) {
    this.#watched = watched;
    this.#journeys = new Journeys(watched.followed);
    try {
      const rules = [probeMark(watched.shape)];
      for (const site of watched.sites)
        this.#traces.push({ site, trace: new Traced(site.netns, rules), ours: new Set() });
      try {
        this.#tracing = new TracingInstance(eventsOf(watched.followed));
      } catch (error) {
        if (!isKernelError(error, ...tracefsRefusals)) throw error;
        this.unseen = refusalText(error.symbol);
      }
      if (this.#tracing?.hasReasons === false) this.unseen = "this kernel gives no drop reasons (Linux 5.17 does)";
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The next packet of this process is the probe. */
  begin(): void {
    this.#tracing?.mark("ns-net probe");
  }

  /** The packets of the probe, its copies and the answers to it, in the order in which they were first seen. */
  get journeys(): readonly Journey[] {
    const sure = this.#journeys.all.filter(({ isSure }) => isSure);
    return sure.length > 0 ? sure : this.#journeys.all;
  }

  get isTracing(): boolean {
    return this.#tracing !== undefined;
  }

  /** Events that were lost, because the machine was too busy. */
  get lost(): number {
    return (this.#tracing?.lost ?? 0) + this.#traces.reduce((sum, { trace }) => sum + trace.overruns, 0);
  }

  /** Takes what the kernel has said since the last call. */
  read(): void {
    for (const event of this.#tracing?.read() ?? []) this.#journeys.add(event);
    for (const { site, trace, ours } of this.#traces) {
      for (const { id, network, drop, verdict, place } of trace.read()) {
        if (network !== undefined && this.#isOurs(network)) ours.add(id);
        if (!ours.has(id)) continue;
        if (drop !== undefined) this.drops.push({ site, place: drop });
        if (verdict !== undefined && verdict >= 0 && (verdict & 0xff) === queue)
          this.queued.push({ site, place, queue: verdict >>> 16 });
      }
    }
  }

  #isOurs(network: Uint8Array): boolean {
    const { shape, addresses } = this.#watched;
    return shape.lengthBytes !== undefined || addresses.some((one) => Buffer.from(network).includes(Buffer.from(one)));
  }

  close(): void {
    for (const { trace } of this.#traces) trace.close();
    this.#tracing?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function eventsOf({ lengthBytes, etherType }: Followed): Wanted[] {
  const [least, most] = lengthBytes === undefined ? [40, 120] : [lengthBytes, lengthBytes];
  const filter = `len >= ${least} && len <= ${most + wrappedBytesMax}`;
  return [
    { event: "net/net_dev_start_xmit", filter },
    { event: "net/netif_receive_skb", filter },
    { event: "skb/kfree_skb", filter: `protocol == ${etherType}` },
    { event: "skb/consume_skb" },
  ];
}

/** Why tracefs is refused, by the errno. */
export const refusalText = (symbol: string): string =>
  symbol === "EPERM" || symbol === "EACCES"
    ? "tracefs is for root of the machine alone"
    : `this kernel has no tracefs (${symbol})`;

/** `table inet f, chain c, handle 7` */
export const decidedText = ({ place }: Decided): string => placeText(place);
