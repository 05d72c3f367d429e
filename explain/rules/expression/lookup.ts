/** lookup, dynset and objref: sets, maps and verdict maps. net/netfilter/nft_lookup.c, nft_set_{hash,rbtree,pipapo}.c. */
import type { ReadElement } from "../../../netlink/nft/read/elements.ts";
import { dynamicSet, lookupRead, objectReference } from "../../../netlink/nft/read/expressions.ts";
import { type ReadSet, setFlag } from "../../../netlink/nft/read/tables.ts";
import { maybe, type RuleRun, type Step } from "./rule.ts";

/** NFT_LOOKUP_F_INV, NFT_DYNSET_F_INV. */
const inverted = 1;
/** An unknown key may find any element. More than these are not tried one by one. */
const optionsMax = 16;

export function evaluateLookup(data: Uint8Array, run: RuleRun): Step {
  const { source = 0, destination, set: name = "", flags = 0 } = lookupRead.get(data);
  const set = run.ruleset.set(run.place.family, run.place.table, name);
  if (set === undefined) return maybe(run, `set ${name}`);
  const key = run.registers.read(source, set.keyLength);
  if (destination === undefined && typeof key === "string") return maybe(run, key);
  const found = typeof key === "string" ? anyOf(set, key, run) : find(set, key, run);
  if ((found === undefined) !== ((flags & inverted) !== 0)) return "break";
  if (found === undefined) return undefined;
  if (mayRefuse(found.expressions, name, run)) return "break";
  if (destination === undefined) return undefined;
  if (found.verdict) return found.verdict;
  if (found.value === undefined) run.registers.writeUnknown(destination, 16, `map ${name}`);
  else run.registers.write(destination, found.value);
  return undefined;
}

/** True if an expression of the element, such as a limit, refuses. */
function mayRefuse(expressions: readonly string[], set: string, run: RuleRun): boolean {
  return expressions.some((name) => name !== "counter" && maybe(run, `${name} in set ${set}`) === "break");
}

/** One of the elements with different results, or none. */
function anyOf(set: ReadSet, why: string, { ruleset, choose }: RuleRun): ReadElement | undefined {
  const elements = ruleset.elements(set).filter(({ isIntervalEnd }) => !isIntervalEnd);
  const results = new Map(elements.map((one) => [`${one.value} ${one.verdict?.code} ${one.verdict?.chain}`, one]));
  const all = [...results.values()].slice(0, optionsMax);
  return all[choose(all.length + (isTotal(elements, why) ? 0 : 1), `${why} in ${set.name}`)];
}

/** True if the elements have every value of `numgen … mod N` or `jhash … mod N`. */
function isTotal(elements: readonly ReadElement[], why: string): boolean {
  const modulus = Number(/ mod (\d+)$/.exec(why)?.[1] ?? Number.NaN);
  return elements.length === modulus && elements.every(({ lastKey }) => lastKey === undefined);
}

function find(set: ReadSet, key: Uint8Array, run: RuleRun): ReadElement | undefined {
  const elements = run.ruleset.elements(set);
  const isWide = (set.flags & setFlag.interval) !== 0;
  const isJoined = isWide && set.fields.length > 1;
  const found = isJoined ? inFields(set, elements, key) : isWide ? inIntervals(elements, key) : exact(elements, key);
  if (found !== undefined) return found;
  if (run.passage.added.has(addedKey(set.name, key, run))) return addedElement(key);
  return elements.find(({ isCatchAll }) => isCatchAll);
}

const exact = (elements: readonly ReadElement[], key: Uint8Array) =>
  elements.find((one) => !one.isCatchAll && Buffer.compare(one.key, key) === 0);

/** Begin and end are elements of their own. The last one that is not greater than the key decides. */
function inIntervals(elements: readonly ReadElement[], key: Uint8Array): ReadElement | undefined {
  let best: ReadElement | undefined;
  for (const one of elements) {
    if (one.isCatchAll || Buffer.compare(one.key, key) > 0) continue;
    const order = best === undefined ? 1 : Buffer.compare(one.key, best.key);
    // An interval may begin where another ends.
    if (order > 0 || (order === 0 && best?.isIntervalEnd)) best = one;
  }
  return best?.isIntervalEnd ? undefined : best;
}

/** Each part of the key lies between the parts of the first and the last key; parts begin at four bytes. */
function inFields(set: ReadSet, elements: readonly ReadElement[], key: Uint8Array): ReadElement | undefined {
  return elements.find((one) => {
    if (one.isCatchAll) return false;
    const last = one.lastKey ?? one.key;
    let at = 0;
    for (const length of set.fields) {
      const part = key.subarray(at, at + length);
      if (Buffer.compare(part, one.key.subarray(at, at + length)) < 0) return false;
      if (Buffer.compare(part, last.subarray(at, at + length)) > 0) return false;
      at += (length + 3) & ~3;
    }
    return true;
  });
}

const addedElement = (key: Uint8Array): ReadElement => ({
  ...{ key, lastKey: undefined, isIntervalEnd: false, isCatchAll: false },
  ...{ value: undefined, verdict: undefined, expressions: [] },
});

const addedKey = (set: string, key: Uint8Array, { place }: RuleRun) =>
  `${place.family} ${place.table} ${set} ${Buffer.from(key).toString("hex")}`;

/** NFT_DYNSET_OP_DELETE */
const remove = 2;

export function evaluateDynamicSet(data: Uint8Array, run: RuleRun): Step {
  const { set: name = "", source = 0, operation = 0, expression, expressions = [], flags = 0 } = dynamicSet.get(data);
  const set = run.ruleset.set(run.place.family, run.place.table, name);
  if (operation === remove || (flags & inverted) !== 0) return maybe(run, `update of set ${name}`);
  const names = [...(expression ? [expression] : []), ...expressions].map((one) => one.name ?? "");
  if (mayRefuse(names, name, run)) return "break";
  const key = set && run.registers.read(source, set.keyLength);
  if (key !== undefined && typeof key !== "string") run.passage.added.add(addedKey(name, key, run));
  return undefined;
}

/** NFT_OBJECT_*: those that only count, or add something to a connection. */
const harmlessObjects = [1, 3, 7, 8, 9];
const objectNames: Readonly<Record<number, string>> = { 2: "quota", 4: "limit", 5: "connlimit" };

export function evaluateObject(data: Uint8Array, run: RuleRun): Step {
  const { type, name = "", set } = objectReference.get(data);
  if (type !== undefined && harmlessObjects.includes(type)) return undefined;
  return maybe(run, type === undefined ? `object of map ${set}` : `${objectNames[type] ?? "object"} ${name}`);
}
