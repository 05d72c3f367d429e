/**
 * `conditionsV4` and `conditionsV6` of portmap: the packets that a published port accepts, in the language of iptables
 * or of nft. Understands addresses and the interface, and refuses everything else. Throws codes 2 and 7.
 */
import { addressBits, formatCidr, networkOf, parseAddress, parseCidr } from "../../ip/address.ts";
import { badConfig, code, Fault } from "../fault.ts";
import { interfaceName } from "../nameRules.ts";
import type { Condition } from "./config.ts";

type Field = Condition["field"];

const iptables: Readonly<Record<string, Field>> = {
  ...{ "-s": "source", "--src": "source", "--source": "source" },
  ...{ "-d": "destination", "--dst": "destination", "--destination": "destination" },
  ...{ "-i": "interface", "--in-interface": "interface" },
};
const nft: Readonly<Record<string, Field>> = { saddr: "source", daddr: "destination", iifname: "interface" };

export function conditionsOf(given: readonly string[], key: "conditionsV4" | "conditionsV6"): Condition[] {
  const family = key === "conditionsV4" ? 4 : 6;
  const words = given.flatMap((text) => text.split(/\s+/)).filter((word) => word !== "");
  const found: Condition[] = [];
  for (let at = 0; at < words.length; ) {
    const { field, isNot, values, length } = /^[-!]/.test(words[at]!)
      ? iptablesAt(words, at)
      : nftAt(words, at, family === 4 ? "ip" : "ip6");
    if (field === undefined || values.length === 0) throw notUnderstood(key, words.slice(at, at + length).join(" "));
    const all = values.map((value) => (field === "interface" ? link(value, key) : prefix(value, family, key)));
    // A packet must match none of the negated values: one condition each.
    if (isNot) for (const value of all) found.push({ field, isNot, value });
    else found.push({ field, isNot, value: all[0]!, or: all.length > 1 ? all.slice(1) : undefined });
    at += length;
  }
  return found;
}

interface Read {
  readonly field: Field | undefined;
  readonly isNot: boolean;
  /** Several for a set; none if there is no value. */
  readonly values: readonly string[];
  /** The number of words read. */
  readonly length: number;
}

/** `! -d 192.0.2.0/24`, `-i eth1`, `-s 192.0.2.0/24,198.51.100.0/24` */
function iptablesAt(words: readonly string[], start: number): Read {
  const isNot = words[start] === "!";
  const at = isNot ? start + 1 : start;
  const values = words[at + 1]?.split(",") ?? [];
  return { field: iptables[words[at] ?? ""], isNot, values, length: at + 2 - start };
}

/** `ip daddr != 192.0.2.0/24`, `iifname "eth1"`, `ip saddr { 10.0.0.0/8, 192.168.0.0/16 }` */
function nftAt(words: readonly string[], start: number, ip: string): Read {
  const name = words[start] === ip ? start + 1 : start;
  const isOfIp = name > start === (words[name] !== "iifname");
  const isNot = words[name + 1] === "!=";
  const at = isNot || words[name + 1] === "==" ? name + 2 : name + 1;
  const { values, end } = words[at]?.startsWith("{")
    ? setAt(words, at)
    : { values: words.slice(at, at + 1), end: at + 1 };
  const field = isOfIp ? nft[words[name] ?? ""] : undefined;
  return { field, isNot, values: values.map((value) => value.replace(/^"(.*)"$/, "$1")), length: end - start };
}

/** No values if the closing brace is missing. */
function setAt(words: readonly string[], start: number): { readonly values: string[]; readonly end: number } {
  let end = start;
  while (end < words.length && !words[end]!.endsWith("}")) end++;
  if (end === words.length) return { values: [], end };
  const inside = words
    .slice(start, end + 1)
    .join(" ")
    .slice(1, -1);
  const values = inside.split(",").map((value) => value.trim());
  return { values: values.at(-1) === "" ? values.slice(0, -1) : values, end: end + 1 };
}

function prefix(text: string, family: 4 | 6, key: string): string {
  const alone = parseAddress(text);
  const cidr = alone ? { ...alone, prefixLength: addressBits(alone.family) } : parseCidr(text);
  if (cidr?.family !== family) throw badConfig(key, text, `an IPv${family} network such as ${examples[family]}`);
  return formatCidr(networkOf(cidr));
}

const examples = { 4: "192.0.2.0/24", 6: "2001:db8::/32" } as const;

function link(text: string, key: string): string {
  if (!interfaceName.allows(text)) throw badConfig(key, text, interfaceName.mustBe);
  return text;
}

function notUnderstood(key: string, words: string): Fault {
  const ip = key === "conditionsV4" ? "ip" : "ip6";
  return new Fault(
    code.unsupportedField,
    `Cannot use ${key} with "${words}"`,
    `${key} may say -s, -d and -i, each with "!" before it and a value behind it, or as nft has it, ${ip} saddr, ${ip} daddr and iifname with "==" or "!=", and sets in braces`,
  );
}
