/** Pings between pods as lines of text: `web -> api db X`. */
import type { Pair } from "../../lab/tests/everyPair.ts";
import { coloured } from "../output/colour.ts";

export const isAsExpected = ({ reached, expected }: Pair) => reached === expected;

/** A line for each pod: the pods that it reaches by their names, the others as X. */
export function matrix(pairs: readonly Pair[]): string {
  const senders = [...new Set(pairs.map(({ from }) => from))];
  const width = Math.max(0, ...senders.map((name) => name.length));
  return senders
    .map((sender) => {
      const cells = pairs.filter(({ from }) => from === sender).map(cellOf);
      return `${sender.padEnd(width)} -> ${cells.join(" ")}\n`;
    })
    .join("");
}

/** Each name keeps its column, also where it is not reached. */
function cellOf(pair: Pair): string {
  const text = pair.reached ? pair.to : "X".padEnd(pair.to.length);
  if (isAsExpected(pair)) return `${text} `;
  return coloured("bad", `${text.trimEnd()}!`.padEnd(pair.to.length + 1));
}
