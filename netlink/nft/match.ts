/** Several expressions that nft(8) writes as one phrase, in the bytes that nft sends. */
import { keepBits } from "./expr/bitwise.ts";
import { differs, equals } from "./expr/compare.ts";
import type { Expression } from "./expr/expression.ts";
import { loadMeta, metaKey } from "./expr/meta.ts";
import { loadPayload, payloadBase } from "./expr/payload.ts";
import { family } from "./message.ts";

/** A network as 4 or 16 bytes with clear host bits. */
export interface Prefix {
  readonly address: Uint8Array;
  readonly length: number;
}

/** `meta nfproto ipv4` or `ipv6`, by the length of an address. */
export function matchProtocolOf(address: Uint8Array): Expression[] {
  return [loadMeta(metaKey.nfProtocol), equals(Uint8Array.of(address.length === 4 ? family.ipv4 : family.ipv6))];
}

/** Offsets in the IPv4 (RFC 791) and IPv6 (RFC 8200) headers. */
const offsets = { 4: { source: 12, destination: 16 }, 16: { source: 8, destination: 24 } } as const;

/**
 * `ip saddr 10.1.0.0/16`, `ip6 daddr != ff00::/8`. A length in whole bytes needs a shorter load and no mask, as nft
 * does it.
 */
export function matchAddress(which: "source" | "destination", prefix: Prefix, holds = true): Expression[] {
  const { address, length } = prefix;
  const offset = offsets[address.length as 4 | 16][which];
  const compare = holds ? equals : differs;
  if (length % 8 === 0 && length > 0) {
    const bytes = length / 8;
    return [loadPayload(payloadBase.network, offset, bytes), compare(address.slice(0, bytes))];
  }
  const mask = address.map((_, i) => 0xff & ~(0xff >> Math.min(8, Math.max(0, length - 8 * i))));
  return [loadPayload(payloadBase.network, offset, address.length), keepBits(mask), compare(address)];
}
