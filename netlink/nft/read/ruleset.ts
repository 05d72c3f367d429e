/**
 * The ruleset of a namespace, read as far as it is asked for: the rules of a chain when a packet comes to it, the
 * elements of a set when a rule looks into it. `isUnchanged` says whether all of it is of one moment.
 */
import type { NetlinkSocket } from "../../socket.ts";
import { getGeneration } from "../generation.ts";
import { listRules, type Rule } from "../rule.ts";
import { type ReadElement, readElements } from "./elements.ts";
import { type ReadChain, type ReadSet, type ReadTable, readChains, readSets, readTables } from "./tables.ts";

export interface Ruleset {
  readonly tables: readonly ReadTable[];
  readonly chains: readonly ReadChain[];
  rules(chain: Pick<ReadChain, "family" | "table" | "name">): readonly Rule[];
  set(family: number, table: string, name: string): ReadSet | undefined;
  elements(set: ReadSet): readonly ReadElement[];
}

export interface KernelRuleset extends Ruleset {
  /** False if a program changed the rules since the first read. */
  isUnchanged(): boolean;
}

/** Reads from a netfilter socket of the namespace, which must stay open. */
export function readRuleset(socket: NetlinkSocket): KernelRuleset {
  const generation = getGeneration(socket);
  const [tables, chains] = [readTables(socket), readChains(socket)];
  const rules = new Map<string, readonly Rule[]>();
  const elements = new Map<ReadSet, readonly ReadElement[]>();
  let sets: ReadonlyMap<string, ReadSet> | undefined;
  return {
    tables,
    chains,
    rules({ family, table, name }) {
      return remembered(rules, `${family} ${table} ${name}`, () => listRules(socket, { family, name: table }, name));
    },
    set(family, table, name) {
      sets ??= new Map(readSets(socket).map((set) => [`${set.family} ${set.table} ${set.name}`, set]));
      return sets.get(`${family} ${table} ${name}`);
    },
    elements: (set) =>
      remembered(elements, set, () => readElements(socket, { family: set.family, name: set.table }, set.name)),
    isUnchanged: () => getGeneration(socket) === generation,
  };
}

function remembered<K, V>(known: Map<K, V>, key: K, read: () => V): V {
  let value = known.get(key);
  if (value === undefined) {
    value = read();
    known.set(key, value);
  }
  return value;
}
