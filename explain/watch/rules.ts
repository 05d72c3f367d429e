/** Changes of nf_tables: one sentence for each transaction, with the program that made it. */
import { nftTable } from "../../kernel/ownership.ts";
import type { Frame } from "../../netlink/message.ts";
import { type NftChange, nftChangeOf } from "../../netlink/nft/events.ts";
import { familyText } from "../rules/words.ts";
import type { Said } from "./event.ts";

type Thing = NftChange["thing"];

/** Inside of a table, in the order in which they are named. */
const things: readonly Thing[] = ["chain", "set", "rule", "element"];

interface OfTable {
  readonly table: string;
  readonly added: Map<Thing, number>;
  readonly removed: Map<Thing, number>;
}

export class Transactions {
  /** By the namespace's number: the transaction that is being reported. */
  readonly #open = new Map<number | undefined, Map<string, OfTable>>();

  /** Answers a sentence at the end of a transaction for each table that it changed. */
  seen(netnsId: number | undefined, frame: Frame): Said[] {
    const change = nftChangeOf(frame);
    if (change === undefined) return [];
    const tables = this.#open.get(netnsId) ?? new Map<string, OfTable>();
    this.#open.set(netnsId, tables);
    if (change.is !== "end") {
      const key = `${familyText(change.family)} ${change.table}`;
      const one = tables.get(key) ?? { table: change.table, added: new Map(), removed: new Map() };
      tables.set(key, one);
      const counts = one[change.is];
      counts.set(change.thing, (counts.get(change.thing) ?? 0) + 1);
      return [];
    }
    this.#open.delete(netnsId);
    const by = `${change.name} (process ${change.pid})`;
    return [...tables].map(([name, one]) => sentence(name, one, by, change.name.startsWith("ns-net")));
  }

  forgetAll(): void {
    this.#open.clear();
  }
}

function sentence(name: string, { table, added, removed }: OfTable, by: string, isOwn: boolean): Said {
  const parts = [
    ...(removed.size > 0 ? [`removed ${countsText(removed, name)}`] : []),
    ...(added.size > 0 ? [`added ${countsText(added, name)}`] : []),
  ];
  const isLoss = removed.size > 0 && added.size === 0;
  const isOurs = table === nftTable && isLoss && !isOwn;
  const cure = isOurs ? ": rules of ns-net are gone; ns-net repair brings them back, and an agent does by itself" : "";
  const what = isLoss ? "removed" : removed.size === 0 ? "added" : "changed";
  return { about: "rules", what, says: `${by} ${parts.join(" and ")}${cure}` };
}

/** `table inet web with 1 chain, 3 rules`, or `3 rules in table inet web` */
function countsText(counts: ReadonlyMap<Thing, number>, name: string): string {
  const inside = things
    .flatMap((thing) => {
      const count = counts.get(thing);
      return count === undefined ? [] : [`${count} ${thing}${count === 1 ? "" : "s"}`];
    })
    .join(", ");
  if (!counts.has("table")) return `${inside} in table ${name}`;
  return inside === "" ? `table ${name}` : `table ${name} with ${inside}`;
}
