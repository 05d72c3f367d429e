/**
 * IP addresses and networks as values: a family and a bigint, so that a /8 and a /64 cost the same as a /24.
 *
 * The package `ip-address` does all of this, but takes 1.5 ms to load in the compiled executable (six runs, 1.48–2.17),
 * a tenth of a whole ADD. It is the oracle in test/ip/address.test.ts instead. For the same reason this file has loops
 * instead of Array.from or every(): the engine compiles each such function at its first use, 0.03 to 0.14 ms each.
 *
 * Parsing is strict, because one text must name one address: no leading zeros in IPv4 (some programs read them as
 * octal), no missing parts, no zone identifiers, no white space.
 */

export type Family = 4 | 6;

export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** An address with a prefix length. `value` may have host bits: `10.1.0.7/24` is an interface's address. */
export interface Cidr extends Address {
  readonly prefixLength: number;
}

/** Bits in an address of this family. */
export function addressBits(family: Family): number {
  return family === 4 ? 32 : 128;
}

/** The family of a valid address or CIDR: only IPv6 is written with colons. */
export function familyOf(text: string): Family {
  return text.includes(":") ? 6 : 4;
}

/** `10.1.0.7/24` → `10.1.0.7`; an address without a prefix length as it is. */
export function withoutPrefix(text: string): string {
  const slash = text.indexOf("/");
  return slash < 0 ? text : text.slice(0, slash);
}

/** The beginning of an ip(8) command about an address, a route or a rule of this family; ip(8) means IPv4 without -6. */
export function ipCommand(family: Family): "ip" | "ip -6" {
  return family === 4 ? "ip" : "ip -6";
}

/** `10.1.0.7` or `2001:db8::7`; undefined for anything else. */
export function parseAddress(text: string): Address | undefined {
  const family = familyOf(text);
  const value = family === 4 ? parseIpv4(text) : parseIpv6(text);
  return value === undefined ? undefined : { family, value };
}

/** `10.1.0.7/24` or `2001:db8::7/64`; undefined for anything else, also when the prefix length is missing. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const address = parseAddress(text.slice(0, slash));
  const prefixLength = parseDecimal(text, slash + 1, text.length);
  if (address === undefined || !(prefixLength <= addressBits(address.family))) return undefined;
  return { family: address.family, value: address.value, prefixLength };
}

/** The canonical text: dotted quads for IPv4, RFC 5952 for IPv6. */
export function formatAddress({ family, value }: Address): string {
  return family === 4 ? formatIpv4(value) : formatIpv6(value);
}

export function formatCidr(cidr: Cidr): string {
  return `${formatAddress(cidr)}/${cidr.prefixLength}`;
}

/** The network's first address: the same CIDR without host bits. */
export function networkOf(cidr: Cidr): Cidr {
  const bits = hostBits(cidr);
  return { ...cidr, value: (cidr.value >> bits) << bits };
}

/** The network's last address; for IPv4 its broadcast address. */
export function lastOf(cidr: Cidr): Address {
  return { family: cidr.family, value: cidr.value | ((1n << hostBits(cidr)) - 1n) };
}

/** True when the address lies in the network, its first and last addresses included. */
export function contains(cidr: Cidr, address: Address): boolean {
  const bits = hostBits(cidr);
  return cidr.family === address.family && cidr.value >> bits === address.value >> bits;
}

/** True for a link-local IPv6 address: fe80::/10 (RFC 4291, 2.5.6). Every link has this same network. */
export function isLinkLocal({ family, value }: Address): boolean {
  return family === 6 && value >> 118n === 0x3fan;
}

/** True if two networks share an address. Host bits do not matter. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.prefixLength <= b.prefixLength ? contains(a, b) : contains(b, a);
}

function hostBits({ family, prefixLength }: Cidr): bigint {
  return BigInt(addressBits(family) - prefixLength);
}

function parseIpv4(text: string): bigint | undefined {
  let value = 0;
  let start = 0;
  for (let i = 0; i < 4; i++) {
    const end = i < 3 ? text.indexOf(".", start) : text.length;
    const byte = end < 0 ? Number.NaN : parseDecimal(text, start, end);
    if (!(byte <= 255)) return undefined;
    value = value * 256 + byte;
    start = end + 1;
  }
  return BigInt(value);
}

/** The decimal number in text[start, end): one to three digits without a leading zero; NaN for anything else. */
function parseDecimal(text: string, start: number, end: number): number {
  const length = end - start;
  if (length < 1 || length > 3) return Number.NaN;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9 || (i > start && value === 0)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** The longest form, `0000:0000:0000:0000:0000:ffff:255.255.255.255`. Longer text is refused before it costs time. */
const ipv6LengthMax = 45;

function parseIpv6(text: string): bigint | undefined {
  if (text.length > ipv6LengthMax) return undefined;
  const halves = withoutDottedQuad(text)?.split("::");
  if (halves === undefined || halves.length > 2) return undefined;
  const head = groupsOf(halves[0]!);
  const tail = groupsOf(halves[1] ?? "");
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length / 4 - tail.length / 4;
  // RFC 4291, 2.2: "::" means one or more groups of zeros.
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  return BigInt(`0x${head}${"0000".repeat(missing)}${tail}`);
}

/** `db8:7` → `0db80007`, undefined if a group is not one to four hexadecimal digits. */
function groupsOf(text: string): string | undefined {
  if (text === "") return "";
  let digits = "";
  for (const group of text.split(":")) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    digits += group.padStart(4, "0");
  }
  return digits;
}

/** `::ffff:10.0.0.1` → `::ffff:a00:1`; other text as it is. */
function withoutDottedQuad(text: string): string | undefined {
  if (!text.includes(".")) return text;
  const start = text.lastIndexOf(":") + 1;
  const quad = parseIpv4(text.slice(start));
  if (quad === undefined) return undefined;
  return `${text.slice(0, start)}${(quad >> 16n).toString(16)}:${(quad & 0xffffn).toString(16)}`;
}

function formatIpv4(value: bigint): string {
  const bits = Number(value);
  return `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`;
}

function formatIpv6(value: bigint): string {
  // RFC 5952, 5: addresses that carry an IPv4 address are written with it.
  if (value >> 32n === 0xffffn) return `::ffff:${formatIpv4(value & 0xffff_ffffn)}`;
  const hex = value.toString(16).padStart(32, "0");
  const groups: string[] = [];
  for (let i = 0; i < 32; i += 4) groups.push(Number.parseInt(hex.slice(i, i + 4), 16).toString(16));
  const zeros = longestZeros(groups);
  if (zeros.length < 2) return groups.join(":");
  const end = zeros.start + zeros.length;
  return `${groups.slice(0, zeros.start).join(":")}::${groups.slice(end).join(":")}`;
}

/** RFC 5952, 4.2: the longest run of zero groups is shortened; of two equal ones the first. */
function longestZeros(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [i, group] of groups.entries()) {
    length = group === "0" ? length + 1 : 0;
    if (length > best.length) best = { start: i - length + 1, length };
  }
  return best;
}

export type Families = readonly Family[];
