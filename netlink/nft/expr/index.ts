/** The codecs of expressions by the kernel's names, for reading rules. */
import type { Codec } from "../../codec.ts";
import { bitwise } from "./bitwise.ts";
import { compare } from "./compare.ts";
import { conntrack } from "./conntrack.ts";
import type { Expression } from "./expression.ts";
import { fib } from "./fib.ts";
import { lookup } from "./lookup.ts";
import { meta } from "./meta.ts";
import { nat } from "./nat.ts";
import { payload } from "./payload.ts";
import { byteOrder, numgen } from "./random.ts";
import { immediate } from "./verdict.ts";

const codecs: Readonly<Record<string, Pick<Codec<unknown>, "get">>> = {
  bitwise,
  byteorder: byteOrder,
  cmp: compare,
  ct: conntrack,
  fib,
  immediate,
  lookup,
  meta,
  nat,
  numgen,
  payload,
};

/**
 * An expression as text. Texts are equal if the expressions mean the same, so a rule in the kernel can be compared with
 * ours.
 */
export function expressionText({ name, data }: Expression): string {
  const show = (_: string, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
  // The kernel writes attributes in another order, and drops the number of a set within a batch.
  const fields = Object.entries((codecs[name]?.get(data) ?? {}) as object).filter(([field]) => field !== "setId");
  return `${name} ${JSON.stringify(fields.sort(), show)}`;
}
