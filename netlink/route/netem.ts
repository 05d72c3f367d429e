/** netem, the qdisc that impairs what leaves a link: struct tc_netem_qopt and TCA_NETEM_* (linux/pkt_sched.h). */
import { attributes, i32, joined, struct, u32, u64 } from "../codec.ts";
import type { Message } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";
import { deleteRoot, replaceRoot, rootOptions } from "./qdisc.ts";

const kind = "netem";

export interface Impairment {
  readonly bytesPerSecond?: number | undefined;
  readonly delayNs?: number | undefined;
  readonly jitterNs?: number | undefined;
  /** Shares of the packets, from 0 to 1. */
  readonly loss?: number | undefined;
  readonly duplicate?: number | undefined;
  /** These are sent at once; the others wait for the delay. */
  readonly reorder?: number | undefined;
  readonly corrupt?: number | undefined;
}

const header = struct({ latency: u32, limit: u32, loss: u32, gap: u32, duplicate: u32, jitter: u32 });
const share = struct({ probability: u32, correlation: u32 });
const rate = struct({ rate: u32, overhead: i32, cellSize: u32, cellOverhead: i32 });
const netemAttributes = attributes({
  reorder: [3, share],
  corrupt: [4, share],
  rate: [6, rate],
  rate64: [8, u64],
  latency64: [10, u64],
  jitter64: [11, u64],
});

/** Packets that may wait, as tc has it. */
const limit = 1000;
const uint32Max = 0xffffffff;

/** The kernel compares a random number of 32 bits with it. */
const probabilityOf = (part: number | undefined) => Math.round((part ?? 0) * uint32Max);

/** Impairs a link, replacing another root qdisc. Refused with ENOENT by a kernel without netem. */
export function replaceNetem(index: number, shown: string, wanted: Impairment): Message {
  const { bytesPerSecond, delayNs, jitterNs, loss, duplicate, reorder, corrupt } = wanted;
  const options = joined([
    header.put({
      ...{ limit, loss: probabilityOf(loss), duplicate: probabilityOf(duplicate) },
      gap: reorder ? 1 : 0, // each packet may be sent at once
    }),
    netemAttributes.put({
      reorder: reorder ? { probability: probabilityOf(reorder) } : undefined,
      corrupt: corrupt ? { probability: probabilityOf(corrupt) } : undefined,
      rate: bytesPerSecond ? { rate: Math.min(uint32Max, bytesPerSecond) } : undefined,
      rate64: bytesPerSecond && bytesPerSecond > uint32Max ? BigInt(bytesPerSecond) : undefined,
      latency64: delayNs ? BigInt(delayNs) : undefined,
      jitter64: jitterNs ? BigInt(jitterNs) : undefined,
    }),
  ]);
  return replaceRoot(`impair ${shown}`, index, kind, options);
}

export const deleteNetem = (index: number, shown: string): Message => deleteRoot(`clear ${shown}`, index);

/** The impairment of a link; undefined without one. */
export function getNetem(socket: NetlinkSocket, index: number): Impairment | undefined {
  const options = rootOptions(socket, index, kind);
  if (options === undefined) return undefined;
  const { loss, duplicate } = header.get(options);
  const found = netemAttributes.get(options.subarray(header.size));
  const partOf = (probability: number | undefined) => (probability ? probability / uint32Max : undefined);
  const bytesPerSecond = found.rate64 === undefined ? found.rate?.rate : Number(found.rate64);
  return {
    bytesPerSecond: bytesPerSecond || undefined,
    delayNs: Number(found.latency64 ?? 0n) || undefined,
    jitterNs: Number(found.jitter64 ?? 0n) || undefined,
    loss: partOf(loss),
    duplicate: partOf(duplicate),
    reorder: partOf(found.reorder?.probability),
    corrupt: partOf(found.corrupt?.probability),
  };
}
