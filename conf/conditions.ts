/**
 * `conditionsV4` and `conditionsV6` of portmap: which packets a published port is for, in words of iptables or of nft.
 * What can be said of addresses and of the interface is understood in either; the rest is refused. Throws code 2 and 7.
 */
import { formatCidr, networkOf, parseAddress, parseCidr } from "./address.ts";
import { badConfig, code, Fault } from "./fault.ts";
import { interfaceName } from "./names.ts";
import type { Condition } from "./network.ts";

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
    const { field, isNot, value, length } = /^[-!]/.test(words[at]!)
      ? iptablesAt(words, at)
      : nftAt(words, at, family === 4 ? "ip" : "ip6");
    if (field === undefined || value === undefined) throw notUnderstood(key, words.slice(at, at + length).join(" "));
    found.push({ field, isNot, value: field === "interface" ? link(value, key) : prefix(value, family, key) });
    at += length;
  }
  return found;
}

interface Read {
  readonly field: Field | undefined;
  readonly isNot: boolean;
  readonly value: string | undefined;
  /** In words. */
  readonly length: number;
}

/** `! -d 192.0.2.0/24`, `-i eth1` */
function iptablesAt(words: readonly string[], start: number): Read {
  const isNot = words[start] === "!";
  const at = isNot ? start + 1 : start;
  return { field: iptables[words[at] ?? ""], isNot, value: words[at + 1], length: at + 2 - start };
}

/** `ip daddr != 192.0.2.0/24`, `iifname "eth1"` */
function nftAt(words: readonly string[], start: number, ip: string): Read {
  const name = words[start] === ip ? start + 1 : start;
  const isOfIp = name > start === (words[name] !== "iifname");
  const isNot = words[name + 1] === "!=";
  const at = isNot || words[name + 1] === "==" ? name + 2 : name + 1;
  const value = words[at]?.replace(/^"(.*)"$/, "$1");
  return { field: isOfIp ? nft[words[name] ?? ""] : undefined, isNot, value, length: at + 1 - start };
}

function prefix(text: string, family: 4 | 6, key: string): string {
  const alone = parseAddress(text);
  const cidr = alone ? { ...alone, prefixLength: alone.family === 4 ? 32 : 128 } : parseCidr(text);
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
    `${key} may say -s, -d and -i, each with "!" before it and a value behind it, or as nft has it, ${ip} saddr, ${ip} daddr and iifname with "==" or "!="`,
  );
}
