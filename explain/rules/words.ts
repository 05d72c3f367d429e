/** The words for places in a ruleset, as nft(8) has them. */
import type { Place } from "./passage.ts";

const families: Readonly<Record<number, string>> = {
  1: "inet",
  2: "ip",
  3: "arp",
  5: "netdev",
  7: "bridge",
  10: "ip6",
};

export const familyText = (family: number): string => families[family] ?? String(family);

/** `table inet filter, chain forward, handle 7`; without a handle it is the end of the chain, its policy. */
export function placeText({ family, table, chain, handle }: Place): string {
  const where = `table ${familyText(family)} ${table}, chain ${chain}`;
  return handle === undefined ? `${where}, policy` : `${where}, handle ${handle}`;
}
