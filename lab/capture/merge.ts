/**
 * Packets of several interfaces in the order of time. The kernel hands over the packets of an interface later than they came,
 * and not quite in order: those that left and those that came meet in its ring. So a packet waits until no earlier one can
 * come. Pure.
 */

export interface Stamped {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** The packets of one interface that wait, in order. */
interface Queue<P> {
  packets: P[];
  /** The place of the first that waits; those before it are taken. */
  first: number;
}

export class Merge<P extends Stamped> {
  readonly #queues: readonly Queue<P>[];

  constructor(interfaces: number) {
    this.#queues = Array.from({ length: interfaces }, () => ({ packets: [], first: 0 }));
  }

  get isEmpty(): boolean {
    return this.#queues.every(({ packets, first }) => first === packets.length);
  }

  /** Later packets of an interface, by its number. */
  add(number: number, added: readonly P[]): void {
    const queue = this.#queues[number]!;
    if (queue.first > 0) queue.packets = queue.packets.slice(queue.first);
    queue.first = 0;
    for (const packet of added) insert(queue.packets, packet);
  }

  /**
   * Calls `onPacket` with each packet that came by then, the oldest first, until it answers false. No earlier ones may be added
   * later.
   */
  take(completeUntil: Stamped, onPacket: (number: number, packet: P) => boolean): void {
    for (;;) {
      const number = this.#oldest();
      const queue = this.#queues[number];
      const packet = queue?.packets[queue.first];
      if (queue === undefined || packet === undefined || isBefore(completeUntil, packet)) return;
      if (!onPacket(number, packet)) return;
      queue.first++;
    }
  }

  /** The number of the interface whose packet is next, or -1. This runs for each packet, so it makes no objects. */
  #oldest(): number {
    let oldest = -1;
    let oldestPacket: P | undefined;
    for (let number = 0; number < this.#queues.length; number++) {
      const { packets, first } = this.#queues[number]!;
      const packet = packets[first];
      if (packet === undefined || (oldestPacket !== undefined && !isBefore(packet, oldestPacket))) continue;
      oldest = number;
      oldestPacket = packet;
    }
    return oldest;
  }
}

/** Most often the packet is the latest. */
function insert<P extends Stamped>(packets: P[], packet: P): void {
  let place = packets.length;
  while (place > 0 && isBefore(packet, packets[place - 1]!)) place--;
  if (place === packets.length) packets.push(packet);
  else packets.splice(place, 0, packet);
}

function isBefore(one: Stamped, other: Stamped): boolean {
  return one.seconds < other.seconds || (one.seconds === other.seconds && one.nanoseconds < other.nanoseconds);
}
