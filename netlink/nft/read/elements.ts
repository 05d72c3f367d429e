/** Elements of a set as any program writes them: intervals, verdicts, the element for everything else. NFTA_SET_ELEM_*. */

import { errno, tolerating } from "../../../sys/errors.ts";
import { attributes, be32, list, nest, text } from "../../codec.ts";
import type { NetlinkSocket } from "../../socket.ts";
import { data } from "../expr/expression.ts";
import { nfgenHeader, nftMessage, nftType } from "../message.ts";
import type { Table } from "../table.ts";

/** NFT_SET_ELEM_INTERVAL_END: the first value behind an interval; NFT_SET_ELEM_CATCHALL. */
const elementFlag = { intervalEnd: 1, catchAll: 2 } as const;

const expression = { ...attributes({ name: [1, text] }), nested: true };
const element = attributes({
  key: [1, nest(data)],
  value: [2, nest(data)],
  flags: [3, be32],
  expression: [7, expression],
  object: [9, text],
  lastKey: [10, nest(data)],
  expressions: [11, list(1, expression)],
});
const elements = attributes({ table: [1, text], set: [2, text], elements: [3, list(1, nest(element))] });

export interface ReadElement {
  readonly key: Uint8Array;
  /** The end of an interval in a concatenation, inclusive. */
  readonly lastKey: Uint8Array | undefined;
  readonly isIntervalEnd: boolean;
  readonly isCatchAll: boolean;
  readonly value: Uint8Array | undefined;
  /** `code` is a signed number: NF_* or NFT_*. */
  readonly verdict: { readonly code: number; readonly chain: string | undefined } | undefined;
  /** The names of expressions that run when the element is found: `counter`, `limit`. */
  readonly expressions: readonly string[];
}

/** The elements that have not expired; none if the set no longer exists. */
export function readElements(socket: NetlinkSocket, table: Table, set: string): ReadElement[] {
  const payload = elements.put({ table: table.name, set });
  const message = nftMessage(`list nf_tables set ${set}`, nftType.getElement, table.family, 0, payload);
  const found = tolerating(() => socket.dump(message), errno.ENOENT) ?? [];
  return found.flatMap(({ payload: raw }) => {
    const all = elements.get(raw.subarray(nfgenHeader.size)).elements ?? [];
    return all.map(({ key, lastKey, value, flags = 0, expression: one, expressions = [] }) => ({
      key: key?.value ?? new Uint8Array(0),
      lastKey: lastKey?.value,
      isIntervalEnd: (flags & elementFlag.intervalEnd) !== 0,
      isCatchAll: (flags & elementFlag.catchAll) !== 0,
      value: value?.value,
      verdict: value?.verdict && { code: (value.verdict.code ?? 0) | 0, chain: value.verdict.chain },
      expressions: [...(one ? [one] : []), ...expressions].map(({ name = "" }) => name),
    }));
  });
}
