/**
 * Watches what the rules of a namespace do with a probe: a table of our own marks it (meta nftrace), and the kernel
 * reports each rule that it meets. The table has the owner flag, so it goes with this process, however that ends.
 */

import { frames } from "../../netlink/message.ts";
import { commitBatch } from "../../netlink/nft/batch.ts";
import { hook, newChain } from "../../netlink/nft/chain.ts";
import { keepBits } from "../../netlink/nft/expr/bitwise.ts";
import { differs, equals } from "../../netlink/nft/expr/compare.ts";
import type { Expression } from "../../netlink/nft/expr/expression.ts";
import { loadMeta, metaKey, setMeta } from "../../netlink/nft/expr/meta.ts";
import { loadPayload, payloadBase } from "../../netlink/nft/expr/payload.ts";
import { immediate } from "../../netlink/nft/expr/verdict.ts";
import { family } from "../../netlink/nft/message.ts";
import { newRule } from "../../netlink/nft/rule.ts";
import { newOwnedTable, type TracedDrop, traceGroup, traceIn } from "../../netlink/nft/trace.ts";
import { type NetlinkSocket, openSocketIn, protocol } from "../../netlink/socket.ts";
import { closeFile, netlinkSocket, receive } from "../../sys/libc.ts";
import { inNetns, type Netns } from "../../sys/netns.ts";
import { joinNetlinkGroup } from "../../sys/sysRare.ts";

/** Before every other chain. */
const priority = -2_000_000_000;
/** NFT_META_LEN, NFT_META_NFTRACE. */
const [lengthKey, traceKey] = [0, 12];
const tcp = 6;
const bufferBytes = 64 * 1024;

/** The packets of a probe: of a protocol, and where it is known of a length with the IP header, in bytes. */
export interface ProbeShape {
  /** IPPROTO_*. */
  readonly protocol: number;
  readonly lengthBytes: number | undefined;
}

export class Traced implements Disposable {
  readonly #owner: NetlinkSocket;
  readonly #events: number;

  constructor(netns: Netns, shape: ProbeShape) {
    this.#owner = openSocketIn(netns, protocol.netfilter);
    this.#events = inNetns<number>(netns, () => netlinkSocket(protocol.netfilter));
    joinNetlinkGroup(this.#events, traceGroup);
    const table = { family: family.inet, name: `ns-net-live-${process.pid}` };
    const chains = (["prerouting", "output"] as const).flatMap((name) => [
      newChain(table, name, { type: "filter", hook: hook[name], priority }),
      newRule(table, name, marking(shape)),
    ]);
    commitBatch(this.#owner, [newOwnedTable(table), ...chains]);
  }

  /** The rules and policies that dropped packets with one of these addresses since the last call. */
  drops(addresses: readonly Uint8Array[]): TracedDrop[] {
    const found: TracedDrop[] = [];
    const ours = new Set<number>();
    const buffer = new Uint8Array(bufferBytes);
    for (;;) {
      const length = receive(this.#events, buffer);
      if (length === undefined) return found;
      for (const frame of frames(buffer.slice(0, length))) {
        const message = traceIn(frame);
        if (message === undefined) continue;
        const { id, network, drop } = message;
        if (network && addresses.some((one) => Buffer.from(network).includes(Buffer.from(one)))) ours.add(id);
        if (drop && ours.has(id)) found.push(drop);
      }
    }
  }

  close(): void {
    closeFile(this.#events);
    this.#owner.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Beginnings of TCP connections alone: `tcp flags & syn != 0`. */
const beginsConnection: readonly Expression[] = [
  loadPayload(payloadBase.transport, 13, 1),
  keepBits(Uint8Array.of(2)),
  differs(Uint8Array.of(0)),
];

/** `meta l4proto P meta length L meta nftrace set 1` */
function marking({ protocol: number, lengthBytes }: ProbeShape): Expression[] {
  const length = lengthBytes === undefined ? [] : [loadMeta(lengthKey), equals(Uint8Array.from(bytesOf(lengthBytes)))];
  const one: Expression = {
    name: "immediate",
    data: immediate.put({ destination: 1, data: { value: Uint8Array.of(1) } }),
  };
  return [
    loadMeta(metaKey.l4Protocol),
    equals(Uint8Array.of(number)),
    ...(number === tcp ? beginsConnection : []),
    ...length,
    one,
    setMeta(traceKey),
  ];
}

/** In the machine's byte order. */
const bytesOf = (value: number) => [value & 0xff, value >> 8, 0, 0];
