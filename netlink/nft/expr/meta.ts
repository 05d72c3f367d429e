/** meta: loads or sets properties of a packet that are not in its bytes. NFTA_META_*. */
import { attributes, be32 } from "../../codec.ts";
import { type Expression, register } from "./expression.ts";

/** NFT_META_*. */
export const metaKey = {
  mark: 3,
  inIndex: 4,
  outIndex: 5,
  inName: 6,
  outName: 7,
  nfProtocol: 15,
  l4Protocol: 16,
  inKind: 26,
  outKind: 27,
} as const;

export const meta = attributes({ key: [2, be32], destination: [1, be32], source: [3, be32] });

/** `meta <key>` into a register. */
export function loadMeta(key: number, destination: number = register.one): Expression {
  return { name: "meta", data: meta.put({ key, destination }) };
}

/** `meta <key> set` from a register. */
export function setMeta(key: number, source: number = register.one): Expression {
  return { name: "meta", data: meta.put({ key, source }) };
}
