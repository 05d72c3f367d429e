/** Queueing disciplines and filters: struct tcmsg and TCA_* (linux/rtnetlink.h, linux/pkt_sched.h, linux/pkt_cls.h). */
import { attributes, bytes, i32, joined, nest, struct, text, u8, u16, u32, u64 } from "../codec.ts";
import { flags, type Message } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";

const qdiscType = { create: 36, delete: 37, get: 38 } as const;
const filterType = { create: 44, get: 46 } as const;

/** TC_H_ROOT, TC_H_INGRESS and the handle that an ingress qdisc has. */
const parent = { root: 0xffffffff, ingress: 0xfffffff1 } as const;
const ingressHandle = 0xffff0000;
const rootHandle = 0x10000;

const header = struct({ family: u8, padding1: u8, padding2: u16, index: i32, handle: u32, parent: u32, info: u32 });
const tcAttributes = attributes({ kind: [1, text], options: [2, bytes] });

/**
 * struct tc_tbf_qopt. Unnamed fields stay zero: a peak rate, and the bucket in time (TCA_TBF_BURST has it in bytes).
 */
const bucket = struct({
  ...{ cellLog: u8, linkLayer: u8, overhead: u16, cellAlign: u16, smallest: u16, rate: u32 },
  ...{ peak1: u32, peak2: u32, peak3: u32, limit: u32, buffer: u32, mtu: u32 },
});
const bucketAttributes = attributes({ bucket: [1, bucket], rate64: [4, u64], burst: [6, u32] });

/** TC_LINKLAYER_ETHERNET: with it the kernel needs no table of transmission times. */
const ethernet = 1;
const uint32Max = 0xffffffff;

/** How long a packet may wait for the bucket, in seconds, as in the reference. */
const latencySeconds = 0.025;

interface BucketRequest {
  readonly index: number;
  /** Words for messages. */
  readonly text: string;
  readonly bytesPerSecond: number;
  readonly burstBytes: number;
}

/** Sets a token bucket as a link's root qdisc, replacing another one. */
export function replaceBucket({ index, text: shown, bytesPerSecond, burstBytes }: BucketRequest): Message {
  const limit = Math.min(uint32Max, Math.ceil(bytesPerSecond * latencySeconds) + burstBytes);
  const options = bucketAttributes.put({
    bucket: { linkLayer: ethernet, rate: Math.min(uint32Max, bytesPerSecond), limit },
    rate64: bytesPerSecond > uint32Max ? BigInt(bytesPerSecond) : undefined,
    burst: burstBytes,
  });
  return replaceRoot(`limit ${shown}`, index, "tbf", options);
}

/** Adds the ingress qdisc, to which filters for received packets attach. Refused with EEXIST if there is one. */
export function addIngress(index: number, shown: string): Message {
  return message(`watch what ${shown} receives`, qdiscType.create, flags.create | flags.exclusive, {
    ...{ index, handle: ingressHandle, parent: parent.ingress },
    kind: "ingress",
  });
}

/** Removes a link's token bucket. Refused with ENOENT or EINVAL if it has none. */
export function deleteBucket(index: number, shown: string): Message {
  return deleteRoot(`lift the limit of ${shown}`, index);
}

/** Removes the ingress qdisc with its filters. */
export function deleteIngress(index: number, shown: string): Message {
  return message(`stop watching ${shown}`, qdiscType.delete, 0, {
    ...{ index, handle: ingressHandle, parent: parent.ingress },
  });
}

/** TC_U32_TERMINAL, and one key that every packet matches, as `match u32 0 0`. */
const everything = joined([Uint8Array.of(1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), new Uint8Array(16)]);

const redirect = struct({
  ...{ actionIndex: u32, capabilities: u32, action: i32, references: i32, bindings: i32 },
  ...{ what: i32, toIndex: u32 },
});
const mirred = attributes({ parameters: [2, redirect] });
const action = attributes({ kind: [1, text], options: [2, nest(mirred)] });
const actions = attributes({ first: [1, nest(action)] });
const u32Attributes = attributes({ selector: [5, bytes], actions: [7, nest(actions)] });

/** TC_ACT_STOLEN and TCA_EGRESS_REDIR; ETH_P_ALL in network order, with the filter's preference in the bits above. */
const stolen = 4;
const egressRedirect = 1;
const everyProtocol = 0x0300;
const preference = 1 << 16;

/** Redirects everything that a link receives to leave by another link. */
export function redirectAll(index: number, toIndex: number, shown: string): Message {
  const options = u32Attributes.put({
    selector: everything,
    actions: {
      first: { kind: "mirred", options: { parameters: { action: stolen, what: egressRedirect, toIndex } } },
    },
  });
  return message(`redirect what ${shown} receives`, filterType.create, flags.create | flags.exclusive, {
    ...{ index, parent: ingressHandle, info: preference | everyProtocol },
    ...{ kind: "u32", options },
  });
}

/**
 * `match u32 0x40000000 0xf0000000 at 0 match ip dst 127.0.0.0/8`. Recognizes IPv4 by its version, so a VLAN tag is no
 * way around the filter.
 */
const toLoopback = joined([
  Uint8Array.of(1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  ...[Uint8Array.of(0xf0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)],
  ...[Uint8Array.of(0xff, 0, 0, 0, 127, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0)],
]);

/** TC_H_MIN_INGRESS of the qdisc that has the ingress handle: kind ingress or clsact. */
const anyIngress = 0xfffffff2;
/** `800::1`: before the filters that the kernel numbers, from 800::800. */
const firstFilter = 0x80000001;

/**
 * Redirects packets for 127.0.0.0/8 that a link receives to `toIndex`, before any other filter. If that link is down,
 * they are dropped. Refused with EEXIST if the filter exists.
 */
export function redirectLoopback(index: number, toIndex: number, shown: string): Message {
  const options = u32Attributes.put({
    selector: toLoopback,
    actions: {
      first: { kind: "mirred", options: { parameters: { action: stolen, what: egressRedirect, toIndex } } },
    },
  });
  return message(`keep ${shown} from 127.0.0.0/8`, filterType.create, flags.create | flags.exclusive, {
    ...{ index, handle: firstFilter, parent: anyIngress, info: preference | everyProtocol },
    ...{ kind: "u32", options },
  });
}

/** True if a link has the filter of `redirectLoopback`. */
export function isLoopbackRedirected(socket: NetlinkSocket, index: number): boolean {
  const payload = header.put({ index, parent: anyIngress });
  const frames = socket.dump({ what: "list filters", type: filterType.get, flags: 0, payload });
  return frames.some(({ payload: raw }) => {
    const { kind, options } = tcAttributes.get(raw.subarray(header.size));
    if (header.get(raw).handle !== firstFilter || kind !== "u32" || !options) return false;
    const { selector } = u32Attributes.get(options);
    // The kernel may append counters to the selector.
    return (
      selector !== undefined && Buffer.compare(selector.subarray(16, toLoopback.length), toLoopback.subarray(16)) === 0
    );
  });
}

interface TcValues {
  readonly index: number;
  readonly handle?: number;
  readonly parent: number;
  readonly info?: number;
  readonly kind?: string;
  readonly options?: Uint8Array;
}

/** Sets a link's root qdisc, replacing another one. */
export function replaceRoot(what: string, index: number, kind: string, options: Uint8Array): Message {
  const values = { index, handle: rootHandle, parent: parent.root, kind, options };
  return message(what, qdiscType.create, flags.create | flags.replace, values);
}

/** Removes a link's root qdisc. Refused with ENOENT or EINVAL if it has none. */
export function deleteRoot(what: string, index: number): Message {
  return message(what, qdiscType.delete, 0, { index, handle: rootHandle, parent: parent.root });
}

/** The options of a link's root qdisc; undefined if it is none of that kind. */
export function rootOptions(socket: NetlinkSocket, index: number, wanted: string): Uint8Array | undefined {
  const payload = header.put({ index });
  for (const { payload: raw } of socket.dump({ what: "list qdiscs", type: qdiscType.get, flags: 0, payload })) {
    const head = header.get(raw);
    const { kind, options } = tcAttributes.get(raw.subarray(header.size));
    if (head.index === index && head.parent === parent.root && kind === wanted) return options;
  }
  return undefined;
}

function message(what: string, type: number, messageFlags: number, { kind, options, ...rest }: TcValues): Message {
  return { what, type, flags: messageFlags, payload: joined([header.put(rest), tcAttributes.put({ kind, options })]) };
}

interface Bucket {
  readonly bytesPerSecond: number;
}

/** The token bucket that is a link's root qdisc; undefined without one. */
export function getBucket(socket: NetlinkSocket, index: number): Bucket | undefined {
  const options = rootOptions(socket, index, "tbf");
  if (options === undefined) return undefined;
  const { bucket: found, rate64 } = bucketAttributes.get(options);
  return { bytesPerSecond: rate64 === undefined ? (found?.rate ?? 0) : Number(rate64) };
}
