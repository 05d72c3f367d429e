/** From rings of packets to one file, in the order of time, until an end comes. Blocks the thread. */

import { code, Fault } from "../../conf/fault.ts";
import { errno, isKernelError, KernelError } from "../../sys/errors.ts";
import { type Packet, packetKind, packetsIn } from "../../sys/packets/block.ts";
import { blockBytes, type PacketRing, retireMs } from "../../sys/packets/ring.ts";
import { Poll } from "../../sys/poll.ts";
import { Merge, type Stamped } from "./merge.ts";
import type { CaptureEnd, CaptureReport, CaptureRequest, Place } from "./messages.ts";
import { NoReader, type Output } from "./output.ts";
import { direction, headerOf, PacketBlocks, reception, statisticsOf } from "./pcapng.ts";

interface Source {
  readonly place: Place;
  readonly ring: PacketRing;
}

export interface CaptureTask extends CaptureRequest {
  readonly sources: readonly Source[];
  readonly output: Output;
  /** Readable once the capture is to end. */
  readonly ends: ReadonlyMap<number, CaptureEnd>;
}

type OnProgress = (packets: number, lost: number) => void;

/** The kernel hands a packet over within this time, also on a busy machine. */
const settleMs = 10 * retireMs;
const reportPauseMs = 250;
/** The longest frame that Wireshark reads. The usual limit of a veth is 64 KiB (gso_max_size). */
const frameBytesMax = 256 * 1024;

/** Answers the last report. Throws Fault if the file cannot be written. */
export function capture(task: CaptureTask, onProgress: OnProgress): CaptureReport {
  const capturing = new Capturing(task, onProgress);
  let ended: CaptureEnd;
  try {
    ended = capturing.run();
  } catch (error) {
    if (!(error instanceof NoReader) && !isKernelError(error, errno.EPIPE)) throw cannotWrite(error);
    ended = "reader gone";
  }
  return { ended, places: capturing.counts() };
}

function cannotWrite(error: unknown): unknown {
  if (!(error instanceof KernelError)) return error;
  const why = error.errno === errno.ENOSPC ? "the disk is full" : `the kernel refuses (${error.symbol})`;
  return new Fault(code.io, `Cannot write the packets: ${why}`, "Write them to a file system with free space");
}

class Capturing {
  readonly #task: CaptureTask;
  readonly #onProgress: OnProgress;
  readonly #merge: Merge<Packet>;
  readonly #counts: { packets: number; lost: number; received: number }[];
  readonly #startNs = nowNs();
  readonly #blocks = new PacketBlocks(2 * blockBytes);
  /** Memory of blocks that are written: new memory costs more than what is done with it. */
  readonly #free: Uint8Array[] = [];
  /** Packets of a block that are not written. */
  readonly #left = new Map<Uint8Array, number>();
  #packets = 0;
  #nextReportMs = 0;

  constructor(task: CaptureTask, onProgress: OnProgress) {
    this.#task = task;
    this.#onProgress = onProgress;
    this.#merge = new Merge(task.sources.length);
    this.#counts = task.sources.map(() => ({ packets: 0, lost: 0, received: 0 }));
  }

  run(): CaptureEnd {
    const { output, program, sources } = this.#task;
    const described = sources.map(({ place }) => ({
      name: place.name,
      description: `${place.ifname} of ${place.holder}`,
    }));
    output.write(headerOf(program, described, frameBytesMax));
    const ended = this.#untilEnd();
    if (!this.#isComplete) this.#drain();
    for (const [number, counted] of this.#counted().entries())
      output.write(statisticsOf(number, { startNs: this.#startNs, endNs: nowNs(), ...counted }));
    return this.#isComplete ? "counted" : this.#best(ended);
  }

  counts() {
    return this.#counted().map(({ packets, lost }, i) => ({ name: this.#task.sources[i]!.place.name, packets, lost }));
  }

  #untilEnd(): CaptureEnd {
    const { sources, ends } = this.#task;
    const poll = new Poll([...ends.keys(), ...sources.map(({ ring }) => ring.socket)]);
    const all = [...ends.values()];
    for (;;) {
      const ready = poll.wait(this.#merge.isEmpty ? -1 : retireMs);
      const ended = all[ready[0] ?? all.length];
      if (ended !== undefined) return ended;
      const gone = this.#goneOf(ready.map((place) => place - all.length));
      if (gone !== undefined) return { gone };
      this.#writeUntil(settled());
      if (this.#isComplete) return "counted";
      this.#report();
    }
  }

  /** The name of an interface that was removed: its ring is ready, and has nothing. One that only went down is not meant. */
  #goneOf(ready: readonly number[]): string | undefined {
    for (const number of ready) {
      const { ring, place } = this.#task.sources[number]!;
      if (!this.#take(number) && !ring.isThere()) return place.name;
    }
    return undefined;
  }

  /** Writes the packets from before the end, which the kernel still has. */
  #drain(): void {
    const rings = new Poll(this.#task.sources.map(({ ring }) => ring.socket));
    const endMs = performance.now() + settleMs;
    for (let leftMs = settleMs; leftMs > 0; leftMs = endMs - performance.now()) {
      const ready = rings.wait(leftMs);
      if (!ready.map((number) => this.#take(number)).includes(true)) Bun.sleepSync(retireMs); // only errors
      this.#writeUntil(settled());
    }
    this.#writeUntil({ seconds: Number.POSITIVE_INFINITY, nanoseconds: 0 });
  }

  /** The processes of a lab end before its first one, which says more. */
  #best(ended: CaptureEnd): CaptureEnd {
    const { ends } = this.#task;
    const [place] = new Poll([...ends.keys()]).wait(0);
    return place === undefined ? ended : [...ends.values()][place]!;
  }

  /** Takes the blocks of a ring; false if it has none. */
  #take(number: number): boolean {
    const { ring } = this.#task.sources[number]!;
    for (let isAny = false; ; isAny = true) {
      const block = this.#free.pop() ?? new Uint8Array(blockBytes);
      const packets = ring.takeBlock(block) ? packetsIn(block) : [];
      if (packets.length === 0) {
        this.#free.push(block);
        return isAny;
      }
      this.#left.set(block, packets.length);
      this.#merge.add(number, packets);
    }
  }

  /** Writes the packets up to a time, from which on the kernel may still have earlier ones. */
  #writeUntil(completeUntil: Stamped): void {
    for (const number of this.#task.sources.keys()) this.#take(number);
    this.#merge.take(completeUntil, (number, packet) => {
      if (this.#isComplete) return false;
      this.#add(number, packet);
      return true;
    });
    this.#flush();
  }

  #add(number: number, packet: Packet): void {
    if (!this.#blocks.hasRoomFor(packet)) this.#flush();
    this.#blocks.add(number, packet, flagsOf[packet.kind] ?? 0);
    this.#counts[number]!.packets++;
    this.#packets++;
    const left = this.#left.get(packet.block)! - 1;
    if (left > 0) this.#left.set(packet.block, left);
    else {
      this.#left.delete(packet.block);
      this.#free.push(packet.block);
    }
  }

  #flush(): void {
    this.#task.output.write(this.#blocks.take());
  }

  get #isComplete(): boolean {
    return this.#packets === this.#task.packetsMax;
  }

  #report(): void {
    const nowMs = performance.now();
    if (nowMs < this.#nextReportMs && !this.#merge.isEmpty) return;
    this.#nextReportMs = nowMs + reportPauseMs;
    this.#onProgress(
      this.#packets,
      this.#counted().reduce((sum, { lost }) => sum + lost, 0),
    );
  }

  #counted() {
    for (const [number, { ring }] of this.#task.sources.entries()) {
      const { received, lost } = ring.takeStatistics();
      this.#counts[number]!.received += received;
      this.#counts[number]!.lost += lost;
    }
    return this.#counts;
  }
}

const flagsOf: Readonly<Record<number, number>> = {
  [packetKind.toUs]: direction.inbound | reception.unicast,
  [packetKind.broadcast]: direction.inbound | reception.broadcast,
  [packetKind.multicast]: direction.inbound | reception.multicast,
  [packetKind.toOthers]: direction.inbound | reception.toOthers,
  [packetKind.outgoing]: direction.outbound,
};

/** Until then all packets have been handed over. */
function settled(): Stamped {
  const ms = Date.now() - settleMs;
  return { seconds: Math.floor(ms / 1000), nanoseconds: (ms % 1000) * 1e6 };
}

const nowNs = () => BigInt(Date.now()) * 1_000_000n;
