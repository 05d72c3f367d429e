/**
 * Prints a rule's expressions in the language of nft(8), so what is printed is what is sent. Knows the expressions that
 * ns-net writes and throws for any other, because a rule printed in part has another meaning.
 */
import { formatAddress } from "../../ip/address.ts";
import { WireError } from "../codec.ts";
import { bitwise } from "./expr/bitwise.ts";
import { compare } from "./expr/compare.ts";
import { conntrack, conntrackKey } from "./expr/conntrack.ts";
import { type Expression, register, verdictCode } from "./expr/expression.ts";
import { fib } from "./expr/fib.ts";
import { isInverted, lookup } from "./expr/lookup.ts";
import { meta, metaKey } from "./expr/meta.ts";
import { nat } from "./expr/nat.ts";
import { payload, payloadBase } from "./expr/payload.ts";
import { numgen } from "./expr/random.ts";
import { immediate } from "./expr/verdict.ts";
import { family } from "./message.ts";

/** The content of a register: its words, how to print a value that it is compared with, and its length in bytes. */
interface Operand {
  readonly words: string;
  readonly value: (bytes: Uint8Array) => string;
  readonly length: number;
  readonly mask?: Uint8Array;
}

const comparisons: Readonly<Record<number, string>> = { 0: "", 1: "!= ", 3: "<= ", 5: ">= " };

const number = (bytes: Uint8Array) => String(bytes.reduce((sum, byte) => sum * 256 + byte, 0));
const name = (bytes: Uint8Array) => `"${Buffer.from(bytes).toString().replace(/\0.*$/s, "")}"`;
const bits = (words: Readonly<Record<number, string>>) => (mask: Uint8Array) =>
  Object.entries(words)
    .filter(([bit]) => mask[0]! & Number(bit))
    .map(([, word]) => word)
    .join(",");

const protocols: Readonly<Record<number, string>> = { 6: "tcp", 17: "udp", 132: "sctp" };
const families: Readonly<Record<number, string>> = { [family.ipv4]: "ipv4", [family.ipv6]: "ipv6" };

const metaOperands: Readonly<Record<number, readonly [words: string, value: Operand["value"], length: number]>> = {
  [metaKey.nfProtocol]: ["meta nfproto", ([byte]) => families[byte!]!, 1],
  [metaKey.l4Protocol]: ["meta l4proto", ([byte]) => protocols[byte!] ?? String(byte), 1],
  [metaKey.inName]: ["iifname", name, 16],
  [metaKey.outName]: ["oifname", name, 16],
  [metaKey.inIndex]: ["iif", (bytes) => number(bytes.toReversed()), 4],
  [metaKey.outIndex]: ["oif", (bytes) => number(bytes.toReversed()), 4],
  [metaKey.inKind]: ["meta iifkind", name, 16],
  [metaKey.outKind]: ["meta oifkind", name, 16],
};

/** Bits of NF_CT_STATE_BIT and IPS_*, as nft names them. */
const conntrackOperands: Readonly<Record<number, readonly [words: string, value: Operand["value"]]>> = {
  [conntrackKey.state]: ["ct state", bits({ 2: "established", 4: "related", 8: "new" })],
  [conntrackKey.status]: ["ct status", bits({ 32: "dnat" })],
};

/** RTN_*. */
const addressTypes: Readonly<Record<number, string>> = { 2: "local" };

function addressText(bytes: Uint8Array, length: number, mask?: Uint8Array): string {
  const whole = new Uint8Array(length);
  whole.set(bytes);
  const value = BigInt(`0x${Buffer.from(whole).toString("hex")}`);
  const text = formatAddress({ family: length === 4 ? 4 : 6, value });
  const ones = (mask ?? new Uint8Array(bytes.length).fill(0xff)).reduce(
    (sum, byte) => sum + byte.toString(2).replace(/0/g, "").length,
    0,
  );
  return ones === 8 * length ? text : `${text}/${ones}`;
}

/** Offsets of addresses in the headers of Ethernet, IPv4 and IPv6, and of ports. */
function payloadOperand({ base, offset, length }: { base: number; offset: number; length: number }): Operand {
  const address = (words: string, whole: number): Operand => ({
    ...{ words, length, value: (bytes) => addressText(bytes, whole) },
  });
  if (base === payloadBase.link && length === 6) {
    const value = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
    return { words: offset === 6 ? "ether saddr" : "ether daddr", value, length };
  }
  if (base === payloadBase.transport && length === 2)
    return { words: offset === 0 ? "th sport" : "th dport", value: number, length };
  if (base === payloadBase.network) {
    // No offset is an address in both headers but 16: IPv4's destination lies in IPv6's source.
    if (offset === 12 || (offset === 16 && length <= 4)) return address(offset === 12 ? "ip saddr" : "ip daddr", 4);
    if (offset === 8 || offset === 24) return address(offset === 8 ? "ip6 saddr" : "ip6 daddr", 16);
  }
  throw new WireError(`Cannot print a load of ${length} bytes at ${offset} of header ${base}`);
}

/** The distance of a register from register one in bytes. NFT_REG_1 to 4 have 16 bytes, NFT_REG32_00 (8) and on 4. */
const startOf = (number: number) => (number <= register.four ? 16 * (number - 1) : 4 * (number - 8));
/** The next value of a concatenation begins at a register of 4 bytes. */
const padded = (length: number) => Math.ceil(length / 4) * 4;

function verdictText({ code = 0, chain }: { code?: number | undefined; chain?: string | undefined }): string {
  const word = Object.entries(verdictCode).find(([, value]) => value === (code | 0))?.[0];
  if (word === undefined) throw new WireError(`Cannot print verdict ${code}`);
  return chain === undefined ? word : `${word} ${chain}`;
}

/** `ip saddr 10.1.0.0/16 masquerade`. Throws WireError for what ns-net does not write. */
export function ruleText(expressions: readonly Expression[]): string {
  const held = new Map<number, Operand>();
  const words: string[] = [];

  const at = (source: number | undefined): Operand => {
    const operand = held.get(startOf(source ?? 0));
    if (operand === undefined)
      throw new WireError(`Cannot print a rule that reads register ${source} before it is loaded`);
    return operand;
  };

  /** Everything that is loaded from this register on without a gap. */
  const concatenation = (source: number | undefined): string => {
    const parts: string[] = [];
    for (let start = startOf(source ?? 0); ; ) {
      const operand = held.get(start);
      if (operand === undefined) break;
      parts.push(operand.words);
      start += padded(operand.length);
    }
    return parts.join(" . ");
  };

  const load = (destination: number | undefined, operand: Operand) => {
    const start = startOf(destination ?? 0);
    if (start === 0) held.clear(); // a load into register one begins a new comparison or look-up
    held.set(start, operand);
  };

  const readers: Readonly<Record<string, (data: Uint8Array, index: number) => void>> = {
    meta(data) {
      const { key = 0, destination } = meta.get(data);
      const operand = metaOperands[key];
      if (operand === undefined) throw new WireError(`Cannot print meta key ${key}`);
      load(destination, { words: operand[0], value: operand[1], length: operand[2] });
    },
    ct(data) {
      const { key = 0, destination } = conntrack.get(data);
      const operand = conntrackOperands[key];
      if (operand === undefined) throw new WireError(`Cannot print ct key ${key}`);
      load(destination, { words: operand[0], value: operand[1], length: 4 });
    },
    fib(data) {
      const { flags, destination } = fib.get(data);
      const value = ([type]: Uint8Array) => addressTypes[type!] ?? String(type);
      load(destination, { words: `fib ${flags === 1 ? "saddr" : "daddr"} type`, value, length: 4 });
    },
    payload(data) {
      const { destination, base = 0, offset = 0, length = 0 } = payload.get(data);
      load(destination, payloadOperand({ base, offset, length }));
    },
    bitwise(data) {
      const { source, destination, mask } = bitwise.get(data);
      load(destination, { ...at(source), mask: mask?.value ?? new Uint8Array(0) });
    },
    cmp(data, index) {
      const { source, operator = 0, data: { value = new Uint8Array(0) } = {} } = compare.get(data);
      const operand = at(source);
      // nft adds this by itself if the next words are an address of that family.
      if (operand.words === "meta nfproto" && isImplied(expressions.slice(index + 1))) return;
      words.push(comparisonText(operand, operator, value));
    },
    numgen(data) {
      const { destination, modulus } = numgen.get(data);
      load(destination, { words: `numgen random mod ${modulus}`, value: number, length: 4 });
    },
    byteorder() {
      // nft adds it by itself where numbers are compared.
    },
    lookup(data) {
      const { source, destination, set = "" } = lookup.get(data);
      const key = concatenation(source);
      if (destination === register.verdict) throw new WireError(`Cannot print a look-up of verdicts in ${set}`);
      if (destination === undefined) words.push(`${key} ${isInverted(data) ? "!= " : ""}@${set}`);
      else load(destination, { words: `${key} map @${set}`, value: number, length: 4 });
    },
    nat(data) {
      const { family: version = 0, address } = nat.get(data);
      words.push(`dnat ${version === family.ipv4 ? "ip" : "ip6"} to ${at(address).words}`);
    },
    masq(data) {
      if (data.length > 0) throw new WireError("Cannot print a masquerade with flags or ports");
      words.push("masquerade");
    },
    immediate(data) {
      const verdict = immediate.get(data).data?.verdict;
      if (verdict === undefined) throw new WireError("Cannot print an immediate value");
      words.push(verdictText(verdict));
    },
  };

  for (const [index, { name: kind, data }] of expressions.entries()) {
    const reader = readers[kind];
    if (reader === undefined) throw new WireError(`Cannot print expression ${kind}`);
    reader(data, index);
  }
  return joined(words);
}

function comparisonText({ words, value, mask, length }: Operand, operator: number, bytes: Uint8Array): string {
  const isZero = bytes.every((byte) => byte === 0);
  if (mask && words.startsWith("ct ")) {
    // A bit that is set differs from zero.
    if (!isZero) throw new WireError(`Cannot print ${words} against a value`);
    return `${words} ${operator === 1 ? "" : "! "}${value(mask)}`;
  }
  const text = mask && / [sd]addr$/.test(words) ? addressText(bytes, length, mask) : value(bytes);
  return `${words} ${comparisons[operator]}${text}`;
}

/** Joins `th dport >= 5` and `th dport <= 9` to `th dport 5-9`. */
function joined(words: readonly string[]): string {
  return words.join(" ").replace(/(\S+ \S+) >= (\S+) \1 <= (\S+)/g, "$1 $2-$3");
}

/** True if a comparison of an address follows, which has its family in its name. */
function isImplied([load, ...rest]: readonly Expression[]): boolean {
  if (load?.name !== "payload" || payload.get(load.data).base !== payloadBase.network) return false;
  const [next, after] = rest;
  return next?.name === "cmp" || (next?.name === "bitwise" && after?.name === "cmp") || next?.name === "lookup";
}
