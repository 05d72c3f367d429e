/** Reads `impair:`. */
import type { Node } from "yaml";
import { type ImpairEntry, type Impairing, impairDirections } from "./labFile.ts";
import { bitsPerSecondOf, millisecondsOf, shareOf } from "./quantities.ts";
import type { Field, Reader } from "./reader.ts";

/** How each quantity is read from text, and an example. The command `lab impair` reads its options in the same way. */
export const quantities = {
  rate: { read: bitsPerSecondOf, what: "rate", example: "10mbit" },
  delay: { read: millisecondsOf, what: "time", example: "50ms" },
  jitter: { read: millisecondsOf, what: "time", example: "5ms" },
  loss: { read: shareOf, what: "percentage from 0 to 100", example: "1%" },
  duplicate: { read: shareOf, what: "percentage from 0 to 100", example: "1%" },
  reorder: { read: shareOf, what: "percentage from 0 to 100", example: "25%" },
  corrupt: { read: shareOf, what: "percentage from 0 to 100", example: "0.1%" },
} as const;

export type Quantity = keyof typeof quantities;
export const quantityNames = Object.keys(quantities) as Quantity[];

export function readImpairs(node: Node | undefined, reader: Reader): ImpairEntry[] {
  return reader.items(node).flatMap((item) => readImpair(item, reader) ?? []);
}

const example = "write { at: web, loss: 1% }";

function readImpair(node: Node, reader: Reader): ImpairEntry | undefined {
  const before = reader.mistakes.length;
  const found = reader.known(node, "an impairment", ["at", "direction", "down", ...quantityNames] as const);
  if (!found) return undefined;
  if (!found.at) return reader.report(reader.placeOf(node), "this impairment has no at", example);
  const at = reader.text(found.at.node, "at", found.at.key.at);
  const direction = found.direction
    ? reader.oneOf(found.direction.node, "direction", impairDirections)
    : ("both" as const);
  const down = found.down ? reader.flag(found.down.node, "down") : undefined;
  const read = quantityNames.flatMap((name) => (found[name] ? [[name, readQuantity(name, found[name], reader)]] : []));
  if (read.length === 0 && !found.down && reader.mistakes.length === before)
    return reader.report(reader.placeOf(node), "this impairment changes nothing", example);
  if (!at || !direction || read.some(([, value]) => value === undefined)) return undefined;
  const values: Impairing = { ...Object.fromEntries(read), ...(down === undefined ? {} : { down }) };
  if (values.jitter && !values.delay)
    reader.report(found.jitter!.key.at, "jitter varies a delay, and there is none", "write delay, too");
  if (values.reorder && !values.delay)
    reader.report(
      found.reorder!.key.at,
      "reorder lets packets overtake delayed ones, and there is no delay",
      "write delay, too",
    );
  const places = Object.fromEntries(Object.entries(found).map(([name, field]) => [name, field.key.at]));
  return { at, direction, values, places };
}

function readQuantity(name: Quantity, { key, node }: Field, reader: Reader): number | undefined {
  const text = reader.text(node, name, key.at);
  if (text === undefined) return undefined;
  const { read, what, example } = quantities[name];
  const value = read(text.value);
  if (value !== undefined) return value;
  return reader.report(text.at, `${name}: ${JSON.stringify(text.value)} is no ${what}`, `write it as ${example}`);
}
