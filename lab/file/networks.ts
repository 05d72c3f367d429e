/** Reads `networks:`. */
import type { Node } from "yaml";
import { addressBits, type Cidr, formatCidr, networkOf, parseAddress, parseCidr } from "../../ip/address.ts";
import { isolations, type NetworkEntry } from "./labFile.ts";
import type { Located } from "./mistakes.ts";
import type { Field, Reader } from "./reader.ts";
import { ofTheLab, whyNoNetwork } from "./words.ts";

const keys = ["subnets", "gateway", "masquerade", "internal", "isolate", "mtu", "config"] as const;

/** IPv4 needs 68 bytes (RFC 791); a veth can have 65535. */
const mtuLimits = [68, 65_535] as const;
/** RFC 8200, section 5. The kernel removes IPv6 from an interface with less. */
const ipv6MtuMin = 1280;

export function readNetworks(node: Node | undefined, reader: Reader): NetworkEntry[] {
  return (reader.fields(node, "networks") ?? []).map((field) => readNetwork(field, reader));
}

function readNetwork({ key, node }: Field, reader: Reader): NetworkEntry {
  const what = `networks.${key.value}`;
  const isShort = !reader.isMap(node);
  const found = (isShort ? undefined : reader.known(node, what, keys)) ?? {};
  const flagAt = (name: "gateway" | "masquerade" | "internal", unset: boolean) =>
    found[name] ? (reader.flag(found[name].node, `${what}.${name}`) ?? unset) : unset;
  const subnets = reader
    .items(isShort ? node : found.subnets?.node)
    .flatMap((item) => readSubnet(item, `a subnet of ${what}`, reader) ?? []);
  if (subnets.length === 0 && reader.isEmpty(isShort ? node : found.subnets?.node))
    reader.report(key.at, `${what} has no subnet`, `write ${key.value}: 10.1.0.0/24`);
  const gateway = flagAt("gateway", true);
  if (gateway) refuseSingleAddresses(subnets, reader);
  const mtu = found.mtu && reader.number(found.mtu.node, `${what}.mtu`, mtuLimits);
  if (mtu) refuseSmallMtu(mtu, subnets, reader);
  return {
    name: key,
    subnets,
    gateway,
    masquerade: flagAt("masquerade", gateway),
    internal: flagAt("internal", false),
    isolate: (found.isolate && reader.oneOf(found.isolate.node, `${what}.isolate`, isolations)) ?? "none",
    mtu,
    config: configOf(found.config, what, reader),
  };
}

function readSubnet(node: Node, what: string, reader: Reader): Located<Cidr> | undefined {
  const text = reader.text(node, what);
  if (text === undefined) return undefined;
  const cidr = parseCidr(text.value);
  if (cidr === undefined) {
    const suggestion = parseAddress(text.value) ? `write ${text.value}/24` : "write one as 10.1.0.0/24 or fd00:1::/64";
    return reader.report(text.at, `${JSON.stringify(text.value)} is no subnet`, suggestion);
  }
  const network = networkOf(cidr);
  if (network.value !== cidr.value)
    return reader.report(text.at, `${text.value} is an address in a subnet`, `the subnet is ${formatCidr(network)}`);
  const why = whyNoNetwork(cidr);
  if (why === undefined) return { value: cidr, at: text.at };
  const example = cidr.family === 4 ? "10.1.0.0/24" : "fd00:1::/64";
  return reader.report(
    text.at,
    `${text.value} is not for a network: ${why}`,
    `write a private subnet such as ${example}`,
  );
}

/** A /32 and a /128 have one address, and the gateway and a pod need two. */
function refuseSingleAddresses(subnets: readonly Located<Cidr>[], reader: Reader): void {
  for (const { value, at } of subnets) {
    if (value.prefixLength < addressBits(value.family)) continue;
    const message = `${formatCidr(value)} has one address, and the gateway and a pod need two`;
    reader.report(at, message, "write a larger subnet, or gateway: false");
  }
}

/** Reports an mtu with which the network's IPv6 subnets would not work; links have the same limit. */
export function refuseSmallMtu(mtu: Located<number>, addresses: readonly Located<Cidr>[], reader: Reader): void {
  if (mtu.value >= ipv6MtuMin || !addresses.some(({ value }) => value.family === 6)) return;
  reader.report(mtu.at, `mtu ${mtu.value} is too small for IPv6`, `write ${ipv6MtuMin} or more`);
}

function configOf(field: Field | undefined, what: string, reader: Reader): Readonly<Record<string, unknown>> {
  if (!field?.node) return {};
  const config: Record<string, unknown> = {};
  for (const { key, node } of reader.fields(field.node, `${what}.config`) ?? []) {
    const own = Object.hasOwn(ofTheLab, key.value) ? ofTheLab[key.value] : undefined;
    if (own === undefined) config[key.value] = node === undefined ? null : reader.plain(node);
    else reader.report(key.at, `${what}.config cannot set ${key.value}, which the lab sets`, own);
  }
  return config;
}
