/**
 * Reads YAML nodes as what they must be. Each function answers the value with its place, or reports a mistake and answers
 * undefined; so one reading finds all mistakes.
 */
import { type Document, isMap, isScalar, isSeq, type Node, type Pair } from "yaml";
import { nearest } from "../../conf/nearest.ts";
import { placeOf, withoutAlias } from "./document.ts";
import type { Located, Mistake, Place } from "./mistakes.ts";

/** A key of a map with its value. The value is undefined for `key:` without one. */
export interface Field {
  readonly key: Located<string>;
  readonly node: Node | undefined;
}

/** Aliases may multiply a file: a "bomb" of nine lines has a billion nodes. No honest lab has this many. */
const nodesMax = 200_000;

export class Reader {
  readonly mistakes: Mistake[];
  readonly #document: Document;
  readonly #unknown = new Set<Node>();
  #nodes = 0;

  constructor(document: Document, mistakes: Mistake[]) {
    this.#document = document;
    this.mistakes = mistakes;
  }

  report(at: Place, message: string, suggestion?: string): undefined {
    this.mistakes.push({ at, message, suggestion });
    return undefined;
  }

  /** The fields of a map, those of merge keys (`<<: *base`) after its own. Reports any other node. */
  fields(node: Node | undefined, what: string): readonly Field[] | undefined {
    const map = this.#resolved(node);
    if (map === undefined || isNull(map)) return [];
    if (!isMap(map)) return this.report(placeOf(node!), `${what} must be a map, as in "key: value"`);
    const found = new Map<string, Field>();
    for (const { key, value } of map.items as Pair<Node, Node | null>[]) {
      if (isMergeKey(key)) {
        for (const field of this.#merged(value ?? undefined))
          if (!found.has(field.key.value)) found.set(field.key.value, field);
        continue;
      }
      const name = this.#keyOf(key, what);
      if (name) found.set(name.value, { key: name, node: value ?? undefined });
    }
    return [...found.values()];
  }

  /**
   * As `fields`, for a map with fixed keys. Reports every other key, with the one that may be meant. A key `x-…` is a
   * person's own, a place for anchors.
   */
  known<K extends string>(
    node: Node | undefined,
    what: string,
    keys: readonly K[],
  ): { readonly [N in K]?: Field } | undefined {
    const fields = this.fields(node, what);
    if (fields === undefined) return undefined;
    const found: { [N in K]?: Field } = {};
    for (const field of fields) {
      const { value, at } = field.key;
      const key = keys.find((one) => one === value);
      if (key !== undefined) found[key] = field;
      else if (!value.startsWith("x-"))
        this.report(at, `${what} has no key ${JSON.stringify(value)}`, suggested(value, keys));
    }
    return found;
  }

  /** The items of a list; a single value is a list of one. None for an empty value. */
  items(node: Node | undefined): readonly Node[] {
    const list = this.#resolved(node);
    if (list === undefined || isNull(list)) return [];
    return isSeq(list) ? (list.items as Node[]) : [node!];
  }

  isMap(node: Node | undefined): boolean {
    const resolved = this.#resolved(node);
    return resolved !== undefined && isMap(resolved);
  }

  isList(node: Node | undefined): boolean {
    const resolved = this.#resolved(node);
    return resolved !== undefined && isSeq(resolved);
  }

  isEmpty(node: Node | undefined): boolean {
    const resolved = this.#resolved(node);
    return resolved === undefined || isNull(resolved);
  }

  /** Text, or a number as it is written: `hostname: 7` is the text "7". */
  text(node: Node | undefined, what: string, at?: Place): Located<string> | undefined {
    const scalar = this.#scalar(node);
    if (typeof scalar?.value === "string") return { value: scalar.value, at: scalar.at };
    if (typeof scalar?.value === "number") return { value: scalar.source, at: scalar.at };
    return this.report(scalar?.at ?? at ?? this.placeOf(node), `${what} must be text`, scalar && quoted(scalar.source));
  }

  number(node: Node | undefined, what: string, [least, most]: readonly [number, number]): Located<number> | undefined {
    const scalar = this.#scalar(node);
    const value = scalar?.value;
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most)
      return { value, at: scalar!.at };
    return this.report(scalar?.at ?? this.placeOf(node), `${what} must be a whole number from ${least} to ${most}`);
  }

  flag(node: Node | undefined, what: string): boolean | undefined {
    const scalar = this.#scalar(node);
    if (typeof scalar?.value === "boolean") return scalar.value;
    return this.report(scalar?.at ?? this.placeOf(node), `${what} must be true or false`);
  }

  oneOf<T extends string>(node: Node | undefined, what: string, words: readonly T[]): T | undefined {
    const found = this.text(node, what);
    const word = found && words.find((one) => one === found.value);
    if (word !== undefined || found === undefined) return word;
    return this.report(found.at, `${what} has no value ${JSON.stringify(found.value)}`, suggested(found.value, words));
  }

  /** The value as plain data, for a part of the file that has no keys of its own. */
  plain(node: Node): unknown {
    const resolved = this.#resolved(node);
    if (resolved === undefined || isNull(resolved)) return null;
    if (isSeq(resolved)) return (resolved.items as Node[]).map((item) => this.plain(item));
    if (isScalar(resolved)) return resolved.value;
    const fields = this.fields(node, "the value") ?? [];
    return Object.fromEntries(fields.map(({ key, node }) => [key.value, node === undefined ? null : this.plain(node)]));
  }

  /** The place of a node; the beginning of the file for an empty one. */
  placeOf(node: Node | undefined): Place {
    return node === undefined ? [0, 1] : placeOf(node);
  }

  #resolved(node: Node | undefined): Node | undefined {
    if (node === undefined) return undefined;
    if (++this.#nodes > nodesMax) throw new TooManyNodes();
    const resolved = withoutAlias(node, this.#document);
    if (resolved === undefined) this.#reportAnchor(node);
    return resolved;
  }

  /** Once, though several functions may look at the node. */
  #reportAnchor(alias: Node): void {
    if (this.#unknown.has(alias)) return;
    this.#unknown.add(alias);
    this.report(
      placeOf(alias),
      `there is no anchor ${String(alias).slice(1)}`,
      "write &NAME before the value that is meant",
    );
  }

  #scalar(node: Node | undefined) {
    const resolved = this.#resolved(node);
    if (resolved === undefined || !isScalar(resolved)) return undefined;
    return { value: resolved.value, source: String(resolved.source ?? resolved.value), at: placeOf(node!) };
  }

  #keyOf(key: Node, what: string): Located<string> | undefined {
    const name = this.#scalar(key);
    if (name === undefined || name.value === null) return this.report(placeOf(key), `a key of ${what} must be text`);
    return { value: name.source, at: name.at };
  }

  #merged(value: Node | undefined): Field[] {
    const sources = this.isList(value) ? this.items(value) : value ? [value] : [];
    return sources.flatMap((source) => this.fields(source, "what << merges") ?? []);
  }
}

/** Stops a reading that aliases made endless. */
export class TooManyNodes extends Error {}

/** YAML reads `true` and `null` as no text, and a value that is left out, too. */
const quoted = (source: string) =>
  source === "" ? 'write a text, or "" for an empty one' : `write it in quotes: "${source}"`;

const isNull = (node: Node) => isScalar(node) && node.value === null;

const isMergeKey = (key: Node) => isScalar(key) && (key.value === "<<" || typeof key.value === "symbol");

/** `Did you mean networks?`, or all that there are. */
export function suggested(written: string, words: readonly string[]): string {
  if (words.length === 0) return "the file has none";
  const meant = nearest(written, words);
  return meant === undefined ? `there is: ${words.join(", ")}` : `did you mean ${meant}?`;
}
