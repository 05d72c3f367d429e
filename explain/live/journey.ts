/**
 * The ways of packets, put together from events of the kernel. An event about an interface has the packet's length, and one
 * about the end of a packet has only the name of its buffer. So the buffer of a probe is known by the length that it had at
 * an interface, and followed until the kernel says that it is free: then another packet may have that name.
 */
import type { KernelEvent } from "./tracing/event.ts";

export interface Sighting {
  /** It was given to an interface to send, or came by one. */
  readonly is: "sent" | "came";
  readonly device: string;
  readonly timeUs: number;
  /** The process whose time was used. */
  readonly pid: number;
}

export interface Journey {
  readonly sightings: Sighting[];
  /** An answer that was dropped before it came to an interface: `sightings` is where its question was last seen. */
  readonly isUnsentAnswer?: boolean;
  /** False for a packet that only looks like the probe. */
  readonly isSure: boolean;
  /** Absent: the packet waits, or was delivered. */
  end?: JourneyEnd;
}

export type JourneyEnd =
  | { readonly is: "dropped"; readonly reason: string; readonly place: string; readonly timeUs: number }
  /** Given back without being dropped: by a program that read it, or by the driver that sent it. */
  | { readonly is: "taken" };

export interface Followed {
  /** The length of the IP packet in bytes, if it is unusual enough to be the probe's alone. */
  readonly lengthBytes: number | undefined;
  /** ETH_P_* */
  readonly etherType: number;
  /** The interfaces of the sender. */
  readonly devices: readonly string[];
}

/** Bytes in front of an IP packet on Ethernet, and on one of a VLAN. */
const headerBytes = [0, 14, 18] as const;
/** A packet that begins a connection: the headers of IP and TCP, and options of TCP. */
const beginningBytes = { min: 40, max: 40 + 20 + 40 + 18 } as const;

const answerWithinUs = 1000;

export class Journeys {
  readonly all: Journey[] = [];
  readonly #open = new Map<string, Journey>();
  readonly #followed: Followed;
  /** This process, as the kernel numbers it. */
  #pid: number | undefined;

  constructor(followed: Followed) {
    this.#followed = followed;
  }

  add(event: KernelEvent): void {
    const { name, buffer } = event;
    if (name === "tracing_mark_write") this.#pid = event.pid;
    else if (name === "net_dev_start_xmit") this.#see(event, "sent");
    else if (name === "netif_receive_skb") this.#see(event, "came");
    else if (name === "consume_skb") this.#finish(buffer, { is: "taken" });
    else if (name === "kfree_skb") this.#drop(event);
  }

  #see(event: KernelEvent, is: Sighting["is"]): void {
    let journey = this.#open.get(event.buffer);
    if (journey === undefined) {
      const isSure = this.#isProbe(event, is);
      if (isSure === undefined) return;
      journey = { sightings: [], isSure };
      this.all.push(journey);
      this.#open.set(event.buffer, journey);
    }
    journey.sightings.push({ is, device: event.device, timeUs: event.timeUs, pid: event.pid });
  }

  /** The probe, an answer to it, or a copy for another port of a bridge; undefined for something else. */
  #isProbe({ lengthBytes, protocol, device, pid, timeUs }: KernelEvent, is: Sighting["is"]): boolean | undefined {
    const { lengthBytes: wanted, etherType, devices } = this.#followed;
    if (is === "sent" && protocol !== etherType) return undefined;
    if (wanted !== undefined) return headerBytes.some((more) => lengthBytes === wanted + more) || undefined;
    if (is !== "sent" || lengthBytes < beginningBytes.min || lengthBytes > beginningBytes.max) return undefined;
    const question = this.#justCome(timeUs, pid);
    if (question?.last.device === device) return question.isSure;
    // Behind a neighbour that was looked for first, another process's time may be used.
    return devices.includes(device) ? pid === this.#pid : undefined;
  }

  /** The kernel answers a ping, and the beginning of a connection, in the same moment and on the same time. */
  #justCome(nowUs: number, pid: number): { readonly last: Sighting; readonly isSure: boolean } | undefined {
    for (const { sightings, isSure } of this.all.toReversed()) {
      const last = sightings.at(-1);
      const isNow = last?.is === "came" && last.pid === pid && nowUs - last.timeUs < answerWithinUs;
      if (isNow) return { last, isSure };
    }
    return undefined;
  }

  #drop(event: KernelEvent): void {
    const end = { is: "dropped", reason: event.reason, place: event.place, timeUs: event.timeUs } as const;
    if (this.#open.has(event.buffer)) {
      this.#finish(event.buffer, end);
      return;
    }
    if (event.protocol !== this.#followed.etherType) return;
    const question = this.#justCome(event.timeUs, event.pid);
    if (question !== undefined && event.isInterrupt)
      this.all.push({ sightings: [question.last], isUnsentAnswer: true, isSure: question.isSure, end });
    // Before it came to an interface: this process itself sends nothing else.
    else if (event.pid === this.#pid && !event.isInterrupt) this.all.push({ sightings: [], isSure: true, end });
  }

  #finish(buffer: string, end: JourneyEnd): void {
    const journey = this.#open.get(buffer);
    if (journey === undefined) return;
    journey.end = end;
    this.#open.delete(buffer);
  }
}
