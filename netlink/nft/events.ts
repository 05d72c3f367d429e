/** Changes of nf_tables, as the kernel reports them to NFNLGRP_NFTABLES (linux/netfilter/nfnetlink.h). */
import { attributes, be32, text } from "../codec.ts";
import type { Frame } from "../message.ts";
import { nfgenHeader, nftType } from "./message.ts";

export const nftEventGroup = 7;

export type NftEvent =
  /** A table, or something in it, was removed. */
  | { readonly is: "removed"; readonly table: string; readonly isElement: boolean }
  /** The end of a transaction, and the thread that sent it. */
  | { readonly is: "end"; readonly pid: number; readonly name: string };

const newGeneration = 15;
/** NFTA_*_TABLE and NFTA_TABLE_NAME have the same number. */
const place = attributes({ table: [1, text] });
/** NFTA_GEN_* */
const end = attributes({ generation: [1, be32], pid: [2, be32], name: [3, text] });

const removals: readonly number[] = [
  nftType.deleteTable,
  nftType.deleteChain,
  nftType.deleteRule,
  nftType.deleteSet,
  nftType.deleteElement,
];

/** Answers undefined for a change that only adds. Throws WireError. */
export function nftEventOf({ type, payload }: Frame): NftEvent | undefined {
  const number = type & 0xff;
  const rest = payload.subarray(nfgenHeader.size);
  if (number === newGeneration) {
    const { pid = 0, name = "" } = end.get(rest);
    return { is: "end", pid, name };
  }
  if (!removals.includes(number)) return undefined;
  return { is: "removed", table: place.get(rest).table ?? "", isElement: number === nftType.deleteElement };
}
