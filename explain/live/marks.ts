/** Rules that mark packets, so that the kernel traces them. */

import { keepBits } from "../../netlink/nft/expr/bitwise.ts";
import { differs, equals } from "../../netlink/nft/expr/compare.ts";
import type { Expression } from "../../netlink/nft/expr/expression.ts";
import { loadMeta, metaKey, setMeta } from "../../netlink/nft/expr/meta.ts";
import { loadPayload, payloadBase } from "../../netlink/nft/expr/payload.ts";
import { immediate } from "../../netlink/nft/expr/verdict.ts";
import { protocolNumber } from "../rules/packet.ts";

/** NFT_META_LEN, NFT_META_NFTRACE. */
const [lengthKey, traceKey] = [0, 12];

/** The packets of a probe: of a protocol, and where it is known of a length with the IP header, in bytes. */
export interface ProbeShape {
  /** IPPROTO_*. */
  readonly protocol: number;
  readonly lengthBytes: number | undefined;
}

/** `meta nftrace set 1` */
export const traceIt: readonly Expression[] = [
  { name: "immediate", data: immediate.put({ destination: 1, data: { value: Uint8Array.of(1) } }) },
  setMeta(traceKey),
];

/** Beginnings of TCP connections alone: `tcp flags & syn != 0`. */
const beginsConnection: readonly Expression[] = [
  loadPayload(payloadBase.transport, 13, 1),
  keepBits(Uint8Array.of(2)),
  differs(Uint8Array.of(0)),
];

/** `meta l4proto P meta length L meta nftrace set 1` */
export function probeMark({ protocol: number, lengthBytes }: ProbeShape): Expression[] {
  return [
    loadMeta(metaKey.l4Protocol),
    equals(Uint8Array.of(number)),
    ...(number === protocolNumber.tcp ? beginsConnection : []),
    ...(lengthBytes === undefined ? [] : [loadMeta(lengthKey), ...lengthFrom(lengthBytes)]),
    ...traceIt,
  ];
}

/** In the machine's byte order, which compares alone as equal. */
const lengthFrom = (value: number): Expression[] => [equals(Uint8Array.of(value & 0xff, value >> 8, 0, 0))];
