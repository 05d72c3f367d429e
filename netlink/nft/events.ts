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

export interface NftChange {
  readonly is: "added" | "removed";
  readonly thing: "table" | "chain" | "rule" | "set" | "element";
  /** NFPROTO_*. */
  readonly family: number;
  readonly table: string;
}

const {
  newTable,
  newChain,
  newRule,
  newSet,
  newElement,
  deleteTable,
  deleteChain,
  deleteRule,
  deleteSet,
  deleteElement,
} = nftType;
const things: ReadonlyMap<number, Pick<NftChange, "is" | "thing">> = new Map([
  [newTable, { is: "added", thing: "table" }],
  [newChain, { is: "added", thing: "chain" }],
  [newRule, { is: "added", thing: "rule" }],
  [newSet, { is: "added", thing: "set" }],
  [newElement, { is: "added", thing: "element" }],
  [deleteTable, { is: "removed", thing: "table" }],
  [deleteChain, { is: "removed", thing: "chain" }],
  [deleteRule, { is: "removed", thing: "rule" }],
  [deleteSet, { is: "removed", thing: "set" }],
  [deleteElement, { is: "removed", thing: "element" }],
]);

/** As `nftEventOf`, for a reader who wants to know of everything that comes and goes. Throws WireError. */
export function nftChangeOf(frame: Frame): NftChange | (NftEvent & { readonly is: "end" }) | undefined {
  const event = nftEventOf(frame);
  if (event?.is === "end") return event;
  const found = things.get(frame.type & 0xff);
  if (found === undefined) return undefined;
  const { family = 0 } = nfgenHeader.get(frame.payload);
  return { ...found, family, table: place.get(frame.payload.subarray(nfgenHeader.size)).table ?? "" };
}
