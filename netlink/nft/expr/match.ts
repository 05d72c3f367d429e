/** match: a match extension of iptables, for tables that iptables must be able to read. NFTA_MATCH_*. */
import { attributes, be32, bytes, text } from "../../codec.ts";
import type { Expression } from "./expression.ts";

export const match = attributes({ name: [1, text], revision: [2, be32], info: [3, bytes] });

/**
 * struct xt_conntrack_mtinfo3 (linux/netfilter/xt_conntrack.h), padded, with the offsets of the fields that are set.
 */
const infoBytes = 168;
const matchFlagsAt = 146;
const invertFlagsAt = 148;
const stateMaskAt = 150;

/** XT_CONNTRACK_STATE; the bits of established and related. */
const byState = 1;
const establishedOrRelated = 6;

function conntrackInfo(): Uint8Array {
  const info = new Uint8Array(infoBytes);
  info[matchFlagsAt] = byState;
  info[stateMaskAt] = establishedOrRelated;
  return info;
}

/** True for a `match` that the first packet of a connection never passes, such as the one below. */
export function isEstablishedOnly(data: Uint8Array): boolean {
  const { name, info } = match.get(data);
  if (name !== "conntrack" || info?.length !== infoBytes || !((info[matchFlagsAt] ?? 0) & byState)) return false;
  return ((info[stateMaskAt] ?? 0) & ~establishedOrRelated) === 0 && !((info[invertFlagsAt] ?? 0) & byState);
}

/** `-m conntrack --ctstate RELATED,ESTABLISHED`. */
export const isEstablished: Expression = {
  name: "match",
  data: match.put({ name: "conntrack", revision: 3, info: conntrackInfo() }),
};
