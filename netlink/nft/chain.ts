/** Chains: NFTA_CHAIN_*, NFTA_HOOK_*. */

import { errno } from "../../sys/errors.ts";
import { attributes, be32, mapped, nest, text, type Values } from "../codec.ts";
import { flags, type Message } from "../message.ts";
import type { NetlinkSocket } from "../socket.ts";
import { comment } from "./comment.ts";
import { nfgenHeader, nftMessage, nftType } from "./message.ts";
import type { Table } from "./table.ts";

/** NF_INET_*; the bridge family numbers its hooks the same. */
export const hook = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;

/** NF_IP_PRI_*: a lower number comes first. */
export const priority = { raw: -300, mangle: -150, destinationNat: -100, filter: 0, sourceNat: 100 } as const;

const signedBe32 = mapped(
  be32,
  (value) => value | 0,
  (value: number) => value >>> 0,
);

const chainAttributes = attributes({
  table: [1, text],
  name: [3, text],
  hook: [4, nest(attributes({ number: [1, be32], priority: [2, signedBe32] }))],
  policy: [5, be32],
  type: [7, text],
  comment: [12, comment],
});

export type Chain = Values<(typeof chainAttributes)["table"]>;

export interface BaseChain {
  readonly type: "nat" | "filter" | "route";
  readonly hook: number;
  readonly priority: number;
}

/** NF_ACCEPT: the policy of every base chain that we create. */
const accept = 1;

/** Creates a chain, or leaves an existing one. With `base` it is called by a hook, without by rules that jump to it. */
export function newChain(table: Table, name: string, base?: BaseChain, words?: string): Message {
  const payload = chainAttributes.put({
    table: table.name,
    name,
    comment: words,
    hook: base && { number: base.hook, priority: base.priority },
    type: base?.type,
    policy: base && accept,
  });
  return nftMessage(`create nf_tables chain ${name}`, nftType.newChain, table.family, flags.create, payload);
}

/** Deletes a chain without rules (see `flushChain`). Refused with ENOENT if it does not exist. */
export function deleteChain(table: Table, name: string): Message {
  const payload = chainAttributes.put({ table: table.name, name });
  return nftMessage(`delete nf_tables chain ${name}`, nftType.deleteChain, table.family, 0, payload);
}

export function getChain(socket: NetlinkSocket, table: Table, name: string): Chain | undefined {
  const payload = chainAttributes.put({ table: table.name, name });
  const message = nftMessage(`look up nf_tables chain ${name}`, nftType.getChain, table.family, 0, payload);
  const frame = socket.lookUp({ ...message, absent: errno.ENOENT });
  return frame && chainAttributes.get(frame.payload.subarray(nfgenHeader.size));
}

/** The chains of all tables of a family; with family 0 (NFPROTO_UNSPEC) of all families. */
export function listAllChains(socket: NetlinkSocket, family = 0): { readonly family: number; readonly chain: Chain }[] {
  return socket
    .dump(nftMessage("list nf_tables chains", nftType.getChain, family, 0, new Uint8Array(0)))
    .map(({ payload }) => ({
      family: nfgenHeader.get(payload).family ?? 0,
      chain: chainAttributes.get(payload.subarray(nfgenHeader.size)),
    }));
}

/** The chains of one table. */
export function listChains(socket: NetlinkSocket, table: Table): Chain[] {
  return listAllChains(socket, table.family).flatMap(({ chain }) => (chain.table === table.name ? [chain] : []));
}
